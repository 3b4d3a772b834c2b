-- Warns of refused values, by object, field and rule; the rows are in rejected_value.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'rejected_value'}}}) }}

select object_name, field, rule, count(*) as value_count
from {{ ref('rejected_value') }}
group by object_name, field, rule
