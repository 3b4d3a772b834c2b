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
        contact.opted_out_of_email_since,
        contact.do_not_call_since,
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
        opted_out_of_email_since,
        do_not_call_since,
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
        cast(null as timestamp with time zone) as opted_out_of_email_since,
        cast(null as timestamp with time zone) as do_not_call_since,
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
        cast(null as timestamp with time zone) as opted_out_of_email_since,
        cast(null as timestamp with time zone) as do_not_call_since,
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

email_answer as (
    {{ library_answers('email') }}
),

phone_answer as (
    {{ library_answers('phone') }}
),

name_answer as (
    {{ library_answers('person_name') }}
),

-- A last name of several words without a first name is a full name in one field.
answered as (
    select
        record.*,
        {{ answered('email_answer', normalized_email('record.email')) }} as email_form,
        email_answer.rule as email_rule,
        {{ answered('phone_answer', normalized_phone('record.phone')) }} as phone_form,
        phone_answer.rule as phone_rule,
        {{ answered('mobile_phone_answer', normalized_phone('record.mobile_phone')) }} as mobile_phone_form,
        mobile_phone_answer.rule as mobile_phone_rule,
        coalesce(split_part(name_answer.normalized, '|', 1), record.first_name) as given_name,
        coalesce(
            split_part(name_answer.normalized, '|', 2) || ' ' || split_part(name_answer.normalized, '|', 3), record.last_name
        ) as family_name
    from record
    left join email_answer
        on email_answer.raw = record.email
    left join phone_answer
        on phone_answer.raw = record.phone
        and phone_answer.hint = coalesce(record.country, '')
    left join phone_answer as mobile_phone_answer
        on mobile_phone_answer.raw = record.mobile_phone
        and mobile_phone_answer.hint = coalesce(record.country, '')
    left join name_answer
        on name_answer.raw = record.last_name
        and record.first_name is null
),

folded as (
    select
        *,
        {{ bare_given_name(folded('given_name')) }} as first_name_folded,
        {{ without_degree(folded('family_name')) }} as last_name_folded,
        {{ normalized_street('street') }} as street_normalized,
        {{ normalized_postal_code('postal_code') }} as postal_code_normalized,
        case when not {{ is_placeholder_mailbox('email_form') }} then email_form end as email_normalized,
        case when not {{ is_placeholder_phone('phone_form') }} then phone_form end as phone_normalized,
        case when not {{ is_placeholder_phone('mobile_phone_form') }} then mobile_phone_form end as mobile_phone_normalized
    from answered
),

company as (
    {{ company_names('record', 'company_name') }}
),

place_code as (
    {{ place_codes('record') }}
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
        folded.opted_out_of_email_since,
        folded.do_not_call_since,
        folded.version_at,
        folded.created_at,
        folded.email_normalized,
        {{ is_role_mailbox('folded.email_form') }} as email_is_role,
        folded.phone_normalized,
        {{ phone_extension('folded.phone') }} as phone_extension,
        folded.mobile_phone_normalized,
        coalesce(nickname.first_name, folded.first_name_folded) as first_name_normalized,
        {{ without_name_suffix('folded.last_name_folded') }} as last_name_normalized,
        {{ name_suffix('folded.last_name_folded') }} as name_suffix,
        company.name_normalized as company_normalized,
        folded.street_normalized,
        folded.postal_code_normalized,
        place_code.country_code,
        place_code.state_code,
        {{ address_key('folded.street_normalized', 'folded.postal_code_normalized', 'place_code.country_code') }} as address_key,
        nullif(
            {{ rejected_entry('folded.email', 'folded.email_normalized', 'folded.email_rule', 'folded.email_form', 'email_syntax', 'email_placeholder') }}
            || {{ rejected_entry('folded.phone', 'folded.phone_normalized', 'folded.phone_rule', 'folded.phone_form', 'phone_too_short', 'phone_placeholder') }}
            || {{ rejected_entry('folded.mobile_phone', 'folded.mobile_phone_normalized', 'folded.mobile_phone_rule', 'folded.mobile_phone_form', 'phone_too_short', 'phone_placeholder') }},
            ''
        ) as rejected_fields
    from folded
    left join {{ ref('nickname') }} as nickname
        on nickname.nickname = folded.first_name_folded
    left join company
        on company.name = folded.company_name
    left join place_code
        on place_code.country = folded.country
        and place_code.state = coalesce(folded.state, '')
)

select * from normalized
