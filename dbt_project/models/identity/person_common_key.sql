{{- follows('contact_record_change', key='record_key', is_replaced=false) -}}
-- A key that many records share names nobody: test data, a placeholder, one name for a whole department.
with {{ common_keys(ref('person_match_key'), limit=20) }},

-- An address that many records share is nobody's: by surnames and by first names it would connect them all.
touched_email as (
    select email_normalized as email
    from {{ ref('contact_record') }}
    {{ where_changed('record_key') }}
    union
    select match_key as email from so_far where rule = 'email'
),

common_email as (
    select 'email' as rule, contact_record.email_normalized as match_key, count(*) as record_count
    from {{ ref('contact_record') }} as contact_record
    inner join touched_email on touched_email.email = contact_record.email_normalized
    group by contact_record.email_normalized
    having count(*) > 40
)

select rule, match_key, record_count from common
union all
select rule, match_key, record_count from common_email
