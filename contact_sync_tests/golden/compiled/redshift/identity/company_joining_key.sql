with company_joining_key as (
    select company_match_key.record_key, company_match_key.rule, company_match_key.match_key
    from "contacts"."identity"."company_match_key" as company_match_key
    left join "contacts"."identity"."company_common_key" as common
        on common.rule = company_match_key.rule
        and common.match_key = company_match_key.match_key
    where common.rule is null
    union all
    -- A record that another one lives on in.
    select distinct match_key as record_key, rule, match_key
    from "contacts"."identity"."company_match_key"
    where rule in ('salesforce_merge')
)

select * from company_joining_key
