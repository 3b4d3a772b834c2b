with source as (
    {{- bronze_batch('salesforce__lead') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_id('MasterRecordId') }} as master_record_id,
        {{ as_text('Salutation') }} as salutation,
        {{ as_text('FirstName') }} as first_name,
        {{ as_text('LastName') }} as last_name,
        {{ as_text('Email') }} as email,
        {{ as_text('Phone') }} as phone,
        {{ as_text('MobilePhone') }} as mobile_phone,
        {{ as_text('Title') }} as job_title,
        {{ as_text('Company') }} as company_name,
        {{ as_text('Website') }} as website,
        {{ as_text('Industry') }} as industry,
        {{ as_text('LeadSource') }} as lead_source,
        {{ as_text('Status') }} as status,
        {{ as_text('Street') }} as street,
        {{ as_text('City') }} as city,
        {{ as_text('State') }} as state,
        {{ as_text('PostalCode') }} as postal_code,
        {{ as_text('Country') }} as country,
        {{ as_boolean('HasOptedOutOfEmail') }} as has_opted_out_of_email,
        {{ as_boolean('DoNotCall') }} as do_not_call,
        {{ as_boolean('IsConverted') }} as is_converted,
        {{ as_date('ConvertedDate') }} as converted_date,
        {{ as_id('ConvertedAccountId') }} as converted_account_id,
        {{ as_id('ConvertedContactId') }} as converted_contact_id,
        {{ as_id('ConvertedOpportunityId') }} as converted_opportunity_id,
        {{ as_id('OwnerId') }} as owner_id,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ as_id('LastModifiedById') }} as modified_by_id,
        {{ version_columns() }}
    from latest
),

newer as (
    {{- keep_newer('typed') }}
),

refusal as (
    {{- refusals('source', 'newer') }}
),

dated as (
    {{- with_refusals('newer', 'refusal') }}
)

select * from dated
