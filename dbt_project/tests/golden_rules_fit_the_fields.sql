-- Every golden field has a row in golden.yaml (without one it would be empty for everybody), every row there names a golden field,
-- and the rule `verified` stands only where something verifies. A row found says entity, field and problem.
-- depends_on: {{ ref('contact_field') }}
-- depends_on: {{ ref('account_field') }}
{{ config(meta={'dagster': {'ref': {'name': 'contact_field'}}}) }}

with field as (
    {%- for entity in ['contact', 'account'] %}
    {%- set outer = loop %}
    {%- for field in golden_fields(entity) %}
    select '{{ entity }}' as entity, '{{ field }}' as field, {{ 'true' if field in verified_when(entity) else 'false' }} as can_be_verified
    {%- if not (outer.last and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

compared as (
    select
        coalesce(field.entity, golden_rule.entity) as entity,
        coalesce(field.field, golden_rule.field) as field,
        case
            when golden_rule.field is null then 'no rule in golden.yaml'
            when field.field is null then 'no golden field of this name'
            when golden_rule.rule = 'verified' and not field.can_be_verified then 'nothing verifies this field'
        end as problem
    from field
    full outer join (select distinct entity, field, rule from {{ pipeline_relation('golden_rule') }}) as golden_rule
        on golden_rule.entity = field.entity
        and golden_rule.field = field.field
),

problem as (
    select * from compared where problem is not null
)

select * from problem
