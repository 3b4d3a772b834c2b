with source as (
    {{- bronze_batch('salesforce__case') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('CaseNumber') }} as case_number,
        {{ as_id('AccountId') }} as account_id,
        {{ as_id('ContactId') }} as contact_id,
        {{ as_text('Status') }} as status,
        {{ as_text('Priority') }} as priority,
        {{ as_text('Origin') }} as origin,
        {{ as_text('Subject') }} as subject,
        {{ as_text('Description') }} as description,
        {{ as_boolean('IsClosed') }} as is_closed,
        {{ as_timestamp('ClosedDate') }} as closed_at,
        {{ as_id('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_id('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed', picklists=['status', 'priority', 'origin']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

resolved as (
    {{- with_business_keys('newer', [account_key(), owner_key()]) }}
)

select * from resolved
