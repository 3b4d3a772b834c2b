{{- follows('contact_source_change', key='record_key') -}}
{%- set columns_of_record = [
    'record_key', 'object_name', 'instance', 'record_id', 'account_record_key', 'external_id', 'salutation', 'first_name', 'last_name',
    'email', 'phone', 'mobile_phone', 'job_title', 'company_name', 'street', 'city', 'state', 'postal_code', 'country',
    'has_opted_out_of_email', 'do_not_call', 'opted_out_of_email_since', 'do_not_call_since', 'version_at', 'created_at',
] -%}

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
    from {{ changed_records('salesforce__contact') }} as contact
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
    from {{ changed_records('salesforce__lead') }} as lead_record
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
    from {{ changed_records('erp__contact') }} as contact
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
    from {{ changed_records('drops__trade_show') }} as badge
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

known as (
    {{ forms_of_last_build() }}
),

-- Most edits change nothing that is normalised, and normalising costs more than looking up what came of it the last time.
compared as (
    select
        record.*,
        known.record_key is not null as is_known,
        {%- for column in forms_of_people() %}
        known.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from record
    left join known
        on known.record_key = record.record_key
        {%- for column in written_of_people() %}
        and not {{ is_different('known.' ~ column, 'record.' ~ column) }}
        {%- endfor %}
),

changed as (
    select
        {%- for column in columns_of_record %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from compared
    where not is_known
),

{{ normalized_people('changed') }},

contact_record as (
    select
        {%- for column in columns_of_record + forms_of_people() %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from normalized
    union all
    select
        {%- for column in columns_of_record + forms_of_people() %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from compared
    where is_known
)

select *, {{ this_refresh() }} as changed_in from contact_record
