with opportunity as (
    select
        coalesce(company_link.company_key, 'unknown') as company_key,
        coalesce(opportunity.stage_name, 'unknown') as stage_name,
        coalesce(opportunity.amount_currency, 'org') as currency,
        coalesce(opportunity.amount, 0) as amount,
        coalesce(opportunity.probability_percent, 0) as probability_percent
    from "contacts"."silver"."salesforce__opportunity" as opportunity
    left join "contacts"."identity"."company_link" as company_link
        on company_link.record_key = 'salesforce__account/' || opportunity.instance || '/' || opportunity.account_id
    where not opportunity.is_deleted
),

pipeline as (
    select
        company_key,
        stage_name,
        currency,
        count(*) as opportunity_count,
        sum(amount) as amount,
        sum(cast(amount as decimal(30, 2)) * cast(probability_percent * 0.01 as decimal(8, 4))) as weighted_amount
    from opportunity
    group by company_key, stage_name, currency
),

named as (
    select
        pipeline.company_key,
        account.name as company_name,
        pipeline.stage_name,
        pipeline.currency,
        pipeline.opportunity_count,
        cast(pipeline.amount as decimal(38, 2)) as amount,
        cast(pipeline.weighted_amount as decimal(38, 2)) as weighted_amount
    from pipeline
    left join "contacts"."gold"."account" as account
        on account.company_key = pipeline.company_key
)

select * from named
