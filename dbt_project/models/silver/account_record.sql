with salesforce_account as (
    select
        {{ record_key('salesforce__account', 'instance', 'record_id') }} as record_key,
        'salesforce__account' as object_name,
        instance,
        record_id,
        contact_sync_key as external_id,
        name,
        account_number,
        cast(null as {{ text_type() }}) as vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        cast(null as decimal(18, 2)) as credit_limit,
        cast(null as {{ text_type() }}) as payment_terms,
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
        cast(null as {{ text_type() }}) as external_id,
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

legal_form_ending as (
    {{ legal_form_endings('folded', 'name_folded') }}
),

normalized as (
    select
        folded.record_key,
        folded.object_name,
        folded.instance,
        folded.record_id,
        folded.external_id,
        folded.name,
        folded.account_number,
        folded.vat_number,
        folded.phone,
        folded.website,
        folded.street,
        folded.city,
        folded.state,
        folded.postal_code,
        folded.country,
        folded.credit_limit,
        folded.payment_terms,
        folded.version_at,
        folded.created_at,
        {{ without_ending('folded.name_folded', 'legal_form_ending.ending_length') }} as name_normalized,
        {{ website_domain('folded.website') }} as website_domain,
        {{ alphanumeric('folded.account_number') }} as account_number_normalized,
        {{ alphanumeric('folded.vat_number') }} as vat_number_normalized,
        {{ normalized_postal_code('folded.postal_code') }} as postal_code_normalized
    from folded
    left join legal_form_ending on legal_form_ending.name = folded.name_folded
)

select * from normalized
