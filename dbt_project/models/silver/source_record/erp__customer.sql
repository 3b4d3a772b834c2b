with source as (
    {{- bronze_batch('erp__customer') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('customer_number') }} as customer_number,
        {{ as_text('name') }} as name,
        {{ as_value('vat_number') }} as vat_number,
        {{ as_value('phone') }} as phone,
        {{ as_value('website') }} as website,
        {{ as_text('street') }} as street,
        {{ as_text('city') }} as city,
        {{ as_text('state') }} as state,
        {{ as_text('postal_code') }} as postal_code,
        {{ as_text('country') }} as country,
        {{ as_decimal('credit_limit') }} as credit_limit,
        {{ as_value('payment_terms') }} as payment_terms,
        {{ as_boolean('is_blocked') }} as is_blocked,
        {{ as_timestamp('created_at') }} as created_at,
        {{ as_timestamp('updated_at') }} as modified_at,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed') }}
),

newer as (
    {{- keep_newer('checked') }}
)

select *, {{ this_refresh() }} as changed_in from newer
