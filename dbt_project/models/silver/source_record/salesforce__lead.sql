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
        {{ as_value('Email') }} as email,
        {{ as_value('Phone') }} as phone,
        {{ as_value('MobilePhone') }} as mobile_phone,
        {{ as_text('Title') }} as job_title,
        {{ as_value('Company') }} as company_name,
        {{ as_value('Website') }} as website,
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

checked as (
    {{- checked('typed', picklists=['salutation', 'lead_source', 'status', 'industry']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

refusal as (
    {{- refusals('salesforce__lead') }}
),

dated as (
    {{- with_refusals('newer', 'refusal') }}
),

resolved as (
    {{- with_business_keys('dated', [owner_key()], more_columns=['opted_out_of_email_since', 'do_not_call_since']) }}
)

select *, {{ this_refresh() }} as changed_in from resolved
