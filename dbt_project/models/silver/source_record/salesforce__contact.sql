with source as (
    {{- bronze_batch('salesforce__contact') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_id('AccountId') }} as account_id,
        {{ as_id('MasterRecordId') }} as master_record_id,
        {{ as_text('Salutation') }} as salutation,
        {{ as_text('FirstName') }} as first_name,
        {{ as_text('LastName') }} as last_name,
        {{ as_value('Email') }} as email,
        {{ as_value('Phone') }} as phone,
        {{ as_value('MobilePhone') }} as mobile_phone,
        {{ as_text('Title') }} as job_title,
        {{ as_text('Department') }} as department,
        {{ as_text('LeadSource') }} as lead_source,
        {{ as_text('MailingStreet') }} as street,
        {{ as_text('MailingCity') }} as city,
        {{ as_text('MailingState') }} as state,
        {{ as_text('MailingPostalCode') }} as postal_code,
        {{ as_text('MailingCountry') }} as country,
        {{ as_boolean('HasOptedOutOfEmail') }} as has_opted_out_of_email,
        {{ as_boolean('DoNotCall') }} as do_not_call,
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
    {{- checked('typed', picklists=['salutation']) }}
),

newer as (
    {{- keep_newer('checked') }}
),

refusal as (
    {{- refusals('salesforce__contact') }}
),

dated as (
    {{- with_refusals('newer', 'refusal') }}
),

resolved as (
    {{- with_business_keys('dated', [account_key(), owner_key()], more_columns=['opted_out_of_email_since', 'do_not_call_since']) }}
)

select *, {{ this_refresh() }} as changed_in from resolved
