with salesforce_contact as (
    select
        {{ record_key('salesforce__contact', 'contact.instance', 'contact.record_id') }} as record_key,
        'salesforce__contact' as object_name,
        contact.instance,
        contact.record_id,
        {{ record_key('salesforce__account', 'contact.instance', 'contact.account_id') }} as account_record_key,
        contact.contact_sync_key as external_id,
        contact.salutation,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.mobile_phone,
        contact.job_title,
        account.name as company_name,
        contact.street,
        contact.city,
        contact.state,
        contact.postal_code,
        contact.country,
        contact.has_opted_out_of_email,
        contact.do_not_call,
        contact.version_at,
        contact.created_at
    from {{ ref('salesforce__contact') }} as contact
    left join {{ ref('salesforce__account') }} as account
        on account.instance = contact.instance
        and account.record_id = contact.account_id
        and not account.is_deleted
    where not contact.is_deleted
),

salesforce_lead as (
    select
        {{ record_key('salesforce__lead', 'instance', 'record_id') }} as record_key,
        'salesforce__lead' as object_name,
        instance,
        record_id,
        cast(null as {{ text_type() }}) as account_record_key,
        cast(null as {{ text_type() }}) as external_id,
        salutation,
        first_name,
        last_name,
        email,
        phone,
        mobile_phone,
        job_title,
        company_name,
        street,
        city,
        state,
        postal_code,
        country,
        has_opted_out_of_email,
        do_not_call,
        version_at,
        created_at
    from {{ ref('salesforce__lead') }}
    where not is_deleted and not coalesce(is_converted, false)
),

erp_contact as (
    select
        {{ record_key('erp__contact', 'contact.instance', 'contact.record_id') }} as record_key,
        'erp__contact' as object_name,
        contact.instance,
        contact.record_id,
        {{ record_key('erp__customer', 'contact.instance', 'contact.customer_number') }} as account_record_key,
        cast(null as {{ text_type() }}) as external_id,
        cast(null as {{ text_type() }}) as salutation,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.mobile_phone,
        contact.job_title,
        customer.name as company_name,
        contact.street,
        contact.city,
        contact.state,
        contact.postal_code,
        contact.country,
        cast(null as boolean) as has_opted_out_of_email,
        cast(null as boolean) as do_not_call,
        contact.version_at,
        contact.created_at
    from {{ ref('erp__contact') }} as contact
    left join {{ ref('erp__customer') }} as customer
        on customer.instance = contact.instance
        and customer.record_id = contact.customer_number
        and not customer.is_deleted
    where not contact.is_deleted
),

trade_show as (
    select
        {{ record_key('drops__trade_show', 'instance', 'record_id') }} as record_key,
        'drops__trade_show' as object_name,
        instance,
        record_id,
        cast(null as {{ text_type() }}) as account_record_key,
        cast(null as {{ text_type() }}) as external_id,
        cast(null as {{ text_type() }}) as salutation,
        first_name,
        last_name,
        email,
        phone,
        cast(null as {{ text_type() }}) as mobile_phone,
        job_title,
        company_name,
        cast(null as {{ text_type() }}) as street,
        city,
        cast(null as {{ text_type() }}) as state,
        cast(null as {{ text_type() }}) as postal_code,
        country,
        cast(null as boolean) as has_opted_out_of_email,
        cast(null as boolean) as do_not_call,
        coalesce(version_at, scanned_at) as version_at,
        scanned_at as created_at
    from {{ ref('drops__trade_show') }}
    where not is_deleted
),

record as (
    select * from salesforce_contact
    union all
    select * from salesforce_lead
    union all
    select * from erp_contact
    union all
    select * from trade_show
),

folded as (
    select
        *,
        {{ replace_all(folded('first_name'), ' [a-z]$', '') }} as first_name_folded,
        {{ folded('last_name') }} as last_name_folded,
        {{ folded('company_name') }} as company_folded
    from record
),

legal_form_ending as (
    {{ legal_form_endings('folded', 'company_folded') }}
),

normalized as (
    select
        folded.record_key,
        folded.object_name,
        folded.instance,
        folded.record_id,
        folded.account_record_key,
        folded.external_id,
        folded.salutation,
        folded.first_name,
        folded.last_name,
        folded.email,
        folded.phone,
        folded.mobile_phone,
        folded.job_title,
        folded.company_name,
        folded.street,
        folded.city,
        folded.state,
        folded.postal_code,
        folded.country,
        folded.has_opted_out_of_email,
        folded.do_not_call,
        folded.version_at,
        folded.created_at,
        {{ normalized_email('folded.email') }} as email_normalized,
        {{ is_role_mailbox('folded.email') }} as email_is_role,
        {{ normalized_phone('folded.phone') }} as phone_normalized,
        {{ normalized_phone('folded.mobile_phone') }} as mobile_phone_normalized,
        coalesce(nickname.first_name, folded.first_name_folded) as first_name_normalized,
        {{ without_name_suffix('folded.last_name_folded') }} as last_name_normalized,
        {{ name_suffix('folded.last_name_folded') }} as name_suffix,
        {{ without_ending('folded.company_folded', 'legal_form_ending.ending_length') }} as company_normalized,
        {{ normalized_street('folded.street') }} as street_normalized,
        {{ normalized_postal_code('folded.postal_code') }} as postal_code_normalized
    from folded
    left join {{ ref('nickname') }} as nickname
        on nickname.nickname = folded.first_name_folded
    left join legal_form_ending on legal_form_ending.name = folded.company_folded
)

select * from normalized
