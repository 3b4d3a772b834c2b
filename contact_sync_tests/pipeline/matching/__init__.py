"""Files of people through `contact-sync match`."""
