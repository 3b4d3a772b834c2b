with source as (
    {{- bronze_batch('erp__order') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('order_number') }} as order_number,
        {{ as_text('customer_number') }} as customer_number,
        {{ as_timestamp('ordered_at') }} as ordered_at,
        {{ as_decimal('amount') }} as amount,
        {{ as_value('currency') }} as currency,
        {{ as_text('status') }} as status,
        {{ as_timestamp('created_at') }} as created_at,
        {{ as_timestamp('updated_at') }} as modified_at,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed', picklists=['status']) }}
),

newer as (
    {{- keep_newer('checked') }}
)

select * from newer
