with source as (
    {{- bronze_batch('salesforce__account') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_id('ParentId') }} as parent_id,
        {{ as_id('MasterRecordId') }} as master_record_id,
        {{ as_text('Name') }} as name,
        {{ as_boolean('IsPersonAccount') }} as is_person_account,
        {{ as_id('PersonContactId') }} as person_contact_id,
        {{ as_value('AccountNumber') }} as account_number,
        {{ as_text('Type') }} as account_type,
        {{ as_text('Industry') }} as industry,
        {{ as_decimal('AnnualRevenue') }} as annual_revenue,
        {{ as_value('CurrencyIsoCode') }} as annual_revenue_currency,
        {{ as_integer('NumberOfEmployees') }} as employee_count,
        {{ as_value('Phone') }} as phone,
        {{ as_value('Website') }} as website,
        {{ as_text('BillingStreet') }} as street,
        {{ as_text('BillingCity') }} as city,
        {{ as_text('BillingState') }} as state,
        {{ as_text('BillingPostalCode') }} as postal_code,
        {{ as_text('BillingCountry') }} as country,
        {{ as_text('Description') }} as description,
        {{ as_text('Contact_Sync_Key__c') }} as contact_sync_key,
        {{ as_id('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_id('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed', rules={'employee_count': '>= 0'}, picklists=['industry']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

resolved as (
    {{- with_business_keys('newer', [owner_key()]) }}
)

select *, {{ this_refresh() }} as changed_in from resolved
