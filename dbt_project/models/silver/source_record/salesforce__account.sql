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
        {{ as_text('ParentId') }} as parent_id,
        {{ as_text('MasterRecordId') }} as master_record_id,
        {{ as_text('Name') }} as name,
        {{ as_text('AccountNumber') }} as account_number,
        {{ as_text('Type') }} as account_type,
        {{ as_text('Industry') }} as industry,
        {{ as_amount('AnnualRevenue') }} as annual_revenue,
        {{ as_integer('NumberOfEmployees') }} as employee_count,
        {{ as_text('Phone') }} as phone,
        {{ as_text('Website') }} as website,
        {{ as_text('BillingStreet') }} as street,
        {{ as_text('BillingCity') }} as city,
        {{ as_text('BillingState') }} as state,
        {{ as_text('BillingPostalCode') }} as postal_code,
        {{ as_text('BillingCountry') }} as country,
        {{ as_text('Description') }} as description,
        {{ as_text('Contact_Sync_Key__c') }} as contact_sync_key,
        {{ as_text('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_text('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

newer as (
    {{- keep_newer('typed') }}
)

select * from newer
