"""Whatever can fail is made to fail, at every point; a run again has to end where a faultless one does."""
