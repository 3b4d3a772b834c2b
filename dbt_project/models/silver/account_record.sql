with salesforce_account as (
    select
        {{ record_key('salesforce__account', 'instance', 'record_id') }} as record_key,
        'salesforce__account' as object_name,
        instance,
        record_id,
        contact_sync_key as external_id,
        name,
        account_number,
        null as vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        cast(null as decimal(18, 2)) as credit_limit,
        null as payment_terms,
        version_at,
        created_at
    from {{ ref('salesforce__account') }}
    where not is_deleted
),

erp_customer as (
    select
        {{ record_key('erp__customer', 'instance', 'record_id') }} as record_key,
        'erp__customer' as object_name,
        instance,
        record_id,
        null as external_id,
        name,
        customer_number as account_number,
        vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        credit_limit,
        payment_terms,
        version_at,
        created_at
    from {{ ref('erp__customer') }}
    where not is_deleted
),

record as (
    select * from salesforce_account
    union all
    select * from erp_customer
),

folded as (
    select *, {{ folded('name') }} as name_folded
    from record
),

normalized as (
    select
        folded.* exclude (name_folded),
        {{ without_legal_form('name_folded') }} as name_normalized,
        {{ website_domain('website') }} as website_domain,
        {{ alphanumeric('account_number') }} as account_number_normalized,
        {{ alphanumeric('vat_number') }} as vat_number_normalized,
        {{ normalized_postal_code('postal_code') }} as postal_code_normalized
    from folded
)

select * from normalized
