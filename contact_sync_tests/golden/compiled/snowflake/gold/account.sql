with link as (
    select record_key, company_key from contacts.identity.company_link
    where company_key in (select company_key from contacts.identity.company_change where changed_in > -1)
),

record as (
    select
        link.company_key,
        account_record.record_key,
        account_record.object_name,
        split_part(account_record.object_name, '__', 1) || '/' || account_record.instance as system_name,
        account_record.version_at,
        account_record.name,
        account_record.account_number,
        account_record.vat_number,
        account_record.phone,
        account_record.website,
        account_record.street,
        account_record.city,
        account_record.state,
        account_record.postal_code,
        account_record.country,
        account_record.credit_limit,
        account_record.payment_terms
    from contacts.silver.account_record as account_record
    inner join link
        on link.record_key = account_record.record_key
),

several as (
    select company_key from record group by company_key having count(*) > 1
),

contested as (
    select * from (select * from contacts.gold.account_field where company_key in (select company_key from contacts.identity.company_change where changed_in > -1)) as field_of_key where is_contested
),

compared as (
    select company_key from several
    union
    select company_key from contested
),

counted as (
    select
        record.company_key,
        count(*) as record_count,
        count(distinct record.system_name) as system_count,
        max(record.version_at) as updated_at
    from record
    inner join compared on compared.company_key = record.company_key
    group by record.company_key
),

from_fields as (
    select
        company_key,
        max(case when field = 'name' then value end) as name,
        max(case when field = 'name' then source_record_key end) as name_source,
        max(case when field = 'account_number' then value end) as account_number,
        max(case when field = 'account_number' then source_record_key end) as account_number_source,
        max(case when field = 'vat_number' then value end) as vat_number,
        max(case when field = 'vat_number' then source_record_key end) as vat_number_source,
        max(case when field = 'phone' then value end) as phone,
        max(case when field = 'phone' then source_record_key end) as phone_source,
        max(case when field = 'website' then value end) as website,
        max(case when field = 'website' then source_record_key end) as website_source,
        max(case when field = 'street' then value end) as street,
        max(case when field = 'street' then source_record_key end) as street_source,
        max(case when field = 'city' then value end) as city,
        max(case when field = 'city' then source_record_key end) as city_source,
        max(case when field = 'state' then value end) as state,
        max(case when field = 'state' then source_record_key end) as state_source,
        max(case when field = 'postal_code' then value end) as postal_code,
        max(case when field = 'postal_code' then source_record_key end) as postal_code_source,
        max(case when field = 'country' then value end) as country,
        max(case when field = 'country' then source_record_key end) as country_source,
        max(case when field = 'credit_limit' then value end) as credit_limit,
        max(case when field = 'credit_limit' then source_record_key end) as credit_limit_source,
        max(case when field = 'payment_terms' then value end) as payment_terms,
        max(case when field = 'payment_terms' then source_record_key end) as payment_terms_source
    from contested
    group by company_key
),

-- The objects that supply values, and of which fields.
supplier as (
    select
        source_object,
        max(case when field = 'name' then 1 else 0 end) as of_name,
        max(case when field = 'account_number' then 1 else 0 end) as of_account_number,
        max(case when field = 'vat_number' then 1 else 0 end) as of_vat_number,
        max(case when field = 'phone' then 1 else 0 end) as of_phone,
        max(case when field = 'website' then 1 else 0 end) as of_website,
        max(case when field = 'street' then 1 else 0 end) as of_street,
        max(case when field = 'city' then 1 else 0 end) as of_city,
        max(case when field = 'state' then 1 else 0 end) as of_state,
        max(case when field = 'postal_code' then 1 else 0 end) as of_postal_code,
        max(case when field = 'country' then 1 else 0 end) as of_country,
        max(case when field = 'credit_limit' then 1 else 0 end) as of_credit_limit,
        max(case when field = 'payment_terms' then 1 else 0 end) as of_payment_terms
    from contacts.pipeline.golden_rule
    where entity = 'account'
    group by source_object
),

golden as (
    select
        counted.company_key,
        from_fields.name,
        from_fields.name_source,
        from_fields.account_number,
        from_fields.account_number_source,
        from_fields.vat_number,
        from_fields.vat_number_source,
        from_fields.phone,
        from_fields.phone_source,
        from_fields.website,
        from_fields.website_source,
        from_fields.street,
        from_fields.street_source,
        from_fields.city,
        from_fields.city_source,
        from_fields.state,
        from_fields.state_source,
        from_fields.postal_code,
        from_fields.postal_code_source,
        from_fields.country,
        from_fields.country_source,
        from_fields.credit_limit,
        from_fields.credit_limit_source,
        from_fields.payment_terms,
        from_fields.payment_terms_source,
        counted.record_count,
        counted.system_count,
        counted.updated_at
    from counted
    left join from_fields on from_fields.company_key = counted.company_key
    union all
    select
        record.company_key,
        case when supplier.of_name = 1 then cast(record.name as varchar) end as name,
        case when supplier.of_name = 1 and record.name is not null then record.record_key end as name_source,
        case when supplier.of_account_number = 1 then cast(record.account_number as varchar) end as account_number,
        case when supplier.of_account_number = 1 and record.account_number is not null then record.record_key end as account_number_source,
        case when supplier.of_vat_number = 1 then cast(record.vat_number as varchar) end as vat_number,
        case when supplier.of_vat_number = 1 and record.vat_number is not null then record.record_key end as vat_number_source,
        case when supplier.of_phone = 1 then cast(record.phone as varchar) end as phone,
        case when supplier.of_phone = 1 and record.phone is not null then record.record_key end as phone_source,
        case when supplier.of_website = 1 then cast(record.website as varchar) end as website,
        case when supplier.of_website = 1 and record.website is not null then record.record_key end as website_source,
        case when supplier.of_street = 1 then cast(record.street as varchar) end as street,
        case when supplier.of_street = 1 and record.street is not null then record.record_key end as street_source,
        case when supplier.of_city = 1 then cast(record.city as varchar) end as city,
        case when supplier.of_city = 1 and record.city is not null then record.record_key end as city_source,
        case when supplier.of_state = 1 then cast(record.state as varchar) end as state,
        case when supplier.of_state = 1 and record.state is not null then record.record_key end as state_source,
        case when supplier.of_postal_code = 1 then cast(record.postal_code as varchar) end as postal_code,
        case when supplier.of_postal_code = 1 and record.postal_code is not null then record.record_key end as postal_code_source,
        case when supplier.of_country = 1 then cast(record.country as varchar) end as country,
        case when supplier.of_country = 1 and record.country is not null then record.record_key end as country_source,
        case when supplier.of_credit_limit = 1 then cast(record.credit_limit as varchar) end as credit_limit,
        case when supplier.of_credit_limit = 1 and record.credit_limit is not null then record.record_key end as credit_limit_source,
        case when supplier.of_payment_terms = 1 then cast(record.payment_terms as varchar) end as payment_terms,
        case when supplier.of_payment_terms = 1 and record.payment_terms is not null then record.record_key end as payment_terms_source,
        1 as record_count,
        1 as system_count,
        record.version_at as updated_at
    from record
    left join supplier on supplier.source_object = record.object_name
    left join compared on compared.company_key = record.company_key
    where compared.company_key is null
),

account as (
    select
        company_key,
        name,
        name_source,
        account_number,
        account_number_source,
        vat_number,
        vat_number_source,
        phone,
        phone_source,
        website,
        website_source,
        street,
        street_source,
        city,
        city_source,
        state,
        state_source,
        postal_code,
        postal_code_source,
        country,
        country_source,
        cast(credit_limit as decimal(18, 2)) as credit_limit,
        credit_limit_source,
        payment_terms,
        payment_terms_source,
        record_count,
        system_count,
        updated_at
    from golden
)

select * from account
