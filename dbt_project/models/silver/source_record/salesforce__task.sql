with source as (
    {{- bronze_batch('salesforce__task') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_id('WhoId') }} as who_id,
        {{ as_id('WhatId') }} as what_id,
        {{ as_id('AccountId') }} as account_id,
        {{ as_text('Subject') }} as subject,
        {{ as_date('ActivityDate') }} as activity_date,
        {{ as_text('Status') }} as status,
        {{ as_text('Priority') }} as priority,
        {{ as_text('TaskSubtype') }} as task_type,
        {{ as_boolean('IsClosed') }} as is_closed,
        {{ as_integer('CallDurationInSeconds') }} as call_seconds,
        {{ as_text('Description') }} as description,
        {{ as_id('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_id('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed', rules={
        'call_seconds': '>= 0',
        'activity_date': "between '1900-01-01' and '2199-12-31'",
    }, picklists=['status', 'priority']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

resolved as (
    {{- with_business_keys('newer', [account_key(), owner_key()]) }}
)

select * from resolved
