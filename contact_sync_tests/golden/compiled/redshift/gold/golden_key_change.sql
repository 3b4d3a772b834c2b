with golden_key_change as (
    select person_key as golden_key, changed_in from "contacts"."identity"."person_change"
    union all
    select company_key as golden_key, changed_in from "contacts"."identity"."company_change"
)

select * from golden_key_change
