with source as (
    {{- bronze_batch('salesforce__event') }}
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
        {{ as_timestamp('StartDateTime') }} as starts_at,
        {{ as_timestamp('EndDateTime') }} as ends_at,
        {{ as_integer('DurationInMinutes') }} as duration_minutes,
        {{ as_boolean('IsAllDayEvent') }} as is_all_day,
        {{ as_text('Location') }} as location,
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
        'duration_minutes': '>= 0',
        'activity_date': "between '1900-01-01' and '2199-12-31'",
    }) }}
),

newer as (
    {{- keep_newer('checked') }}
),

resolved as (
    {{- with_business_keys('newer', [account_key(), owner_key()]) }}
)

select * from resolved
