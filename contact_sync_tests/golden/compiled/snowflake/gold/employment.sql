with record as (
    select
        person_link.person_key,
        contact_record.record_key,
        contact_record.account_record_key,
        contact_record.company_normalized,
        split_part(contact_record.email_normalized, '@', 2) as email_domain,
        contact_record.created_at,
        contact_record.version_at
    from contacts.silver.contact_record as contact_record
    inner join contacts.identity.person_link as person_link
        on person_link.record_key = contact_record.record_key
),

account as (
    select account_record.name_normalized, account_record.website_domain, company_link.company_key
    from contacts.silver.account_record as account_record
    inner join contacts.identity.company_link as company_link
        on company_link.record_key = account_record.record_key
),

-- A name or a domain that several companies have points to none of them.
company_of_name as (
    select name_normalized, max(company_key) as company_key
    from account
    where name_normalized is not null
    group by name_normalized
    having count(distinct company_key) = 1
),

company_of_domain as (
    select website_domain, max(company_key) as company_key
    from account
    where website_domain is not null
    group by website_domain
    having count(distinct company_key) = 1
),

-- What a record says best: the account it belongs to, else the company it names, else where its email address is.
evidence as (
    select
        record.person_key,
        record.record_key,
        record.created_at,
        record.version_at,
        coalesce(company_link.company_key, company_of_name.company_key, company_of_domain.company_key) as company_key,
        case
            when company_link.company_key is not null then 'account'
            when company_of_name.company_key is not null then 'company_name'
            else 'email_domain'
        end as evidence,
        case
            when company_link.company_key is not null then 1
            when company_of_name.company_key is not null then 2
            else 3
        end as place
    from record
    left join contacts.identity.company_link as company_link
        on company_link.record_key = record.account_record_key
    left join company_of_name
        on company_of_name.name_normalized = record.company_normalized
    left join company_of_domain
        on company_of_domain.website_domain = record.email_domain
),

ranked as (
    select
        *,
        row_number() over (
            partition by person_key, company_key
            order by place, version_at desc nulls last, record_key
        ) as place_in_link
    from evidence
    where company_key is not null
),

link as (
    select
        person_key,
        company_key,
        max(case when place_in_link = 1 then evidence end) as evidence,
        min(place) as place,
        max(case when place_in_link = 1 then record_key end) as source_record_key,
        count(*) as record_count,
        min(created_at) as first_seen_at,
        max(version_at) as last_seen_at
    from ranked
    group by person_key, company_key
),

-- The golden record says where somebody works if any record has an account; otherwise the best evidence does.
placed as (
    select
        link.*,
        row_number() over (
            partition by link.person_key
            order by
                case when link.company_key = contact.company_key then 0 else 1 end,
                link.place,
                link.last_seen_at desc nulls last,
                link.company_key
        ) as place_of_person
    from link
    inner join contacts.gold.contact as contact
        on contact.person_key = link.person_key
),

employment as (
    select
        person_key,
        company_key,
        place_of_person = 1 as is_current,
        evidence,
        source_record_key,
        record_count,
        first_seen_at,
        last_seen_at
    from placed
)

select * from employment
