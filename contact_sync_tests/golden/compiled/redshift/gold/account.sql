with company as (
    select
        company_link.company_key,
        count(*) as record_count,
        count(distinct split_part(account_record.object_name, '__', 1) || '/' || account_record.instance) as system_count,
        max(account_record.version_at) as updated_at
    from "contacts"."silver"."account_record" as account_record
    join "contacts"."identity"."company_link" as company_link
        on company_link.record_key = account_record.record_key
    group by company_link.company_key
),

golden as (
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
    from "contacts"."gold"."account_field"
    group by company_key
),

account as (
    select
        company.company_key,
        golden.name,
        golden.name_source,
        golden.account_number,
        golden.account_number_source,
        golden.vat_number,
        golden.vat_number_source,
        golden.phone,
        golden.phone_source,
        golden.website,
        golden.website_source,
        golden.street,
        golden.street_source,
        golden.city,
        golden.city_source,
        golden.state,
        golden.state_source,
        golden.postal_code,
        golden.postal_code_source,
        golden.country,
        golden.country_source,
        cast(golden.credit_limit as decimal(18, 2)) as credit_limit,
        golden.credit_limit_source,
        golden.payment_terms,
        golden.payment_terms_source,
        company.record_count,
        company.system_count,
        company.updated_at
    from company
    left join golden
        on golden.company_key = company.company_key
)

select * from account
