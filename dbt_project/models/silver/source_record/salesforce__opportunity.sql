with source as (
    {{- bronze_batch('salesforce__opportunity') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_id('AccountId') }} as account_id,
        {{ as_id('ContactId') }} as contact_id,
        {{ as_text('Name') }} as name,
        {{ as_text('StageName') }} as stage_name,
        {{ as_decimal('Amount') }} as amount,
        {{ as_value('CurrencyIsoCode') }} as amount_currency,
        {{ as_decimal('Probability') }} as probability_percent,
        {{ as_date('CloseDate') }} as close_date,
        {{ as_text('Type') }} as opportunity_type,
        {{ as_text('LeadSource') }} as lead_source,
        {{ as_boolean('IsClosed') }} as is_closed,
        {{ as_boolean('IsWon') }} as is_won,
        {{ as_id('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_id('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed', rules={
        'probability_percent': 'between 0 and 100',
        'close_date': "between '1900-01-01' and '2199-12-31'",
    }, picklists=['stage_name', 'lead_source']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

resolved as (
    {{- with_business_keys('newer', [account_key(), owner_key()]) }}
)

select * from resolved
