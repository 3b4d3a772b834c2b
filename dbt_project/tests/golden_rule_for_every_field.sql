-- A golden field without a rule would be empty for everybody: each needs at least one row in golden.yaml.
-- depends_on: {{ ref('contact_field') }}
-- depends_on: {{ ref('account_field') }}
{{ config(meta={'dagster': {'ref': {'name': 'contact_field'}}}) }}

with field as (
    {%- for entity in ['contact', 'account'] %}
    {%- set outer = loop %}
    {%- for field in golden_fields(entity) %}
    select '{{ entity }}' as entity, '{{ field }}' as field
    {%- if not (outer.last and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

without_rule as (
    select field.entity, field.field
    from field
    left join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = field.entity
        and golden_rule.field = field.field
    where golden_rule.field is null
)

select * from without_rule
