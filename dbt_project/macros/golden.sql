{# The fields of a golden record: the one list that the models, their provenance columns and the rule check read. #}
{% macro golden_fields(entity) %}
    {{ return({
        'contact': [
            'first_name', 'last_name', 'email', 'phone', 'mobile_phone', 'job_title',
            'street', 'city', 'state', 'postal_code', 'country', 'company_key',
        ],
        'account': [
            'name', 'account_number', 'vat_number', 'phone', 'website',
            'street', 'city', 'state', 'postal_code', 'country', 'credit_limit', 'payment_terms',
        ],
    }[entity]) }}
{% endmacro %}


{# What the rule `verified` asks of a record: field -> condition on the columns of the CTE `record`. The fields of a group ask the
   same. A field that is not listed cannot have the rule (test `golden_rules_fit_the_fields`). #}
{% macro verified_when(entity) %}
    {%- set is_whole_address = 'street is not null and city is not null and postal_code is not null' -%}
    {%- set address = {
        'street': is_whole_address, 'city': is_whole_address, 'state': is_whole_address,
        'postal_code': is_whole_address, 'country': is_whole_address,
    } -%}
    {%- set others = {
        'contact': {
            'email': 'email_normalized is not null and not email_is_role',
            'phone': "phone_normalized like '+%'",
            'mobile_phone': "mobile_phone_normalized like '+%'",
        },
        'account': {'website': 'website_domain is not null', 'vat_number': 'vat_number_normalized is not null'},
    }[entity] -%}
    {{ return(dict(others, **address)) }}
{% endmacro %}


{# What this model held of changed keys after its last build; nothing before the first one and in unit tests. #}
{% macro fields_of_last_build(key) -%}
    {%- set columns = [] -%}
    {%- if execute and this and load_relation(this) is not none -%}
        {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list -%}
    {%- endif -%}
    {%- if 'cleared_value_hash' in columns -%}
    select {{ key }}, field, value, source_record_key, version_at, cleared_value_hash
    from {{ this }}
    {{ where_changed(key) }}
    {%- else -%}
    select
        cast(null as {{ text_type() }}) as {{ key }},
        cast(null as {{ text_type() }}) as field,
        cast(null as {{ text_type() }}) as value,
        cast(null as {{ text_type() }}) as source_record_key,
        cast(null as timestamp with time zone) as version_at,
        cast(null as {{ text_type() }}) as cleared_value_hash
    where 1 = 0
    {%- endif -%}
{%- endmacro %}


{# The columns that what competes for a field has in common. #}
{% macro contending_columns(key, relation, score, value=none, lost_value_hash=none) -%}
    {{ relation }}.{{ key }},
        {{ relation }}.record_key,
        {{ relation }}.object_name,
        {{ relation }}.instance,
        {{ relation }}.version_at,
        {{ relation }}.field,
        {{ relation }}.field_group,
        {{ relation }}.is_owner,
        {{ relation }}.rule,
        {{ relation }}.trust,
        cast({{ score }} as bigint) as score,
        {{ value or relation ~ '.value' }} as value,
        {{ lost_value_hash or 'cast(null as ' ~ text_type() ~ ')' }} as cleared_value_hash
{%- endmacro %}


{#-
    CTEs from `record` (key, record_key, object_name, instance, version_at, the golden fields, what `verified_when` reads) to
    `survived`: the value that won for each field, by the rules of golden.yaml.

    A unit is what one record holds of a field, or of a group of fields: units compete, so that the fields of a group come from
    one record. Half of two addresses would be a third one where nobody lives.
-#}
{% macro survivorship(entity, key) -%}
{%- set nothing = 'cast(null as ' ~ text_type() ~ ')' -%}
{%- set trust_score = "case when rule = 'trust' then -trust else 0 end" -%}
last_build as (
    {{ fields_of_last_build(key) }}
),

-- What the last build says of records that still belong to the same golden record, where a rule looks back.
remembered as (
    select
        record.{{ key }},
        record.record_key,
        record.object_name,
        record.instance,
        last_build.version_at,
        record.version_at as current_version_at,
        last_build.field,
        golden_rule.field_group,
        golden_rule.is_owner,
        golden_rule.rule,
        golden_rule.trust,
        last_build.value,
        last_build.cleared_value_hash
    from last_build
    inner join record
        on record.record_key = last_build.source_record_key
        and record.{{ key }} = last_build.{{ key }}
    inner join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = '{{ entity }}'
        and golden_rule.field = last_build.field
        and golden_rule.source_object = record.object_name
    where golden_rule.rule = 'fill_only' or golden_rule.null_policy = 'propagate'
),

-- Where there is anything to decide: of several records, or by a rule that looks back.
contested as (
    select {{ key }} from record group by {{ key }} having count(*) > 1
    union
    select {{ key }}
    from record
    where object_name in (
        select source_object
        from {{ pipeline_relation('golden_rule') }}
        where entity = '{{ entity }}' and (rule = 'fill_only' or null_policy = 'propagate')
    )
),

held as (
    select
        record.{{ key }},
        record.record_key,
        record.object_name,
        record.instance,
        record.version_at,
        golden_rule.field,
        golden_rule.field_group,
        golden_rule.is_owner,
        golden_rule.rule,
        golden_rule.trust,
        golden_rule.null_policy,
        {{ value_of_field(entity) }} as value,
        case
            when golden_rule.rule <> 'verified' then 0
            {%- for field, condition in verified_when(entity).items() %}
            when golden_rule.field = '{{ field }}' and {{ condition }} then 1
            {%- endfor %}
            else 0
        end as is_verified
    from record
    inner join contested on contested.{{ key }} = record.{{ key }}
    inner join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = '{{ entity }}'
        and golden_rule.source_object = record.object_name
),

candidate as (
    select * from held where value is not null
),

kept as (
    select * from remembered where rule = 'fill_only' and value is not null
),

-- The record that won has emptied the whole unit. It goes on to compete, with nothing, as of the version that emptied it.
cleared as (
    select
        remembered.{{ key }},
        remembered.record_key,
        remembered.object_name,
        remembered.instance,
        case
            when remembered.cleared_value_hash is null then remembered.current_version_at
            else remembered.version_at
        end as version_at,
        remembered.field,
        remembered.field_group,
        remembered.is_owner,
        remembered.rule,
        remembered.trust,
        coalesce(remembered.cleared_value_hash, {{ dbt.hash('remembered.value') }}) as lost_value_hash
    from remembered
    left join candidate
        on candidate.{{ key }} = remembered.{{ key }}
        and candidate.field_group = remembered.field_group
        and candidate.record_key = remembered.record_key
    where remembered.rule <> 'fill_only' and candidate.record_key is null
),

-- Other records' copies of what was cleared say nothing new, however lately somebody touched something else on them.
stale_copy as (
    select candidate.{{ key }}, candidate.field_group, candidate.record_key
    from candidate
    inner join (select distinct {{ key }}, field_group from cleared) as cleared_unit
        on cleared_unit.{{ key }} = candidate.{{ key }}
        and cleared_unit.field_group = candidate.field_group
    left join cleared
        on cleared.{{ key }} = candidate.{{ key }}
        and cleared.field = candidate.field
        and cleared.lost_value_hash = {{ dbt.hash('candidate.value') }}
    group by candidate.{{ key }}, candidate.field_group, candidate.record_key
    having count(*) = count(cleared.record_key)
),

-- What some rules count is a matter of the whole unit.
unit as (
    select
        {{ key }},
        field_group,
        record_key,
        min(rule) as rule,
        max(is_verified) as is_verified,
        sum(length(value)) as value_length,
        {{ dbt.listagg(measure=dbt.hash('field || value'), delimiter_text="''", order_by_clause='order by ' ~ in_byte_order('field')) }} as unit_hash
    from candidate
    where rule in ('verified', 'longest', 'most_frequent')
    group by {{ key }}, field_group, record_key
),

measured as (
    select
        {{ key }},
        field_group,
        record_key,
        cast(case rule
            when 'verified' then is_verified
            when 'longest' then value_length
            else count(*) over (partition by {{ key }}, field_group, unit_hash)
        end as bigint) as score
    from unit
),

contender as (
    select {{ contending_columns(key, 'candidate', score=trust_score) }}
    from candidate
    where candidate.null_policy = 'ignore' and candidate.rule not in ('verified', 'longest', 'most_frequent')
    union all
    select {{ contending_columns(key, 'candidate', score=trust_score) }}
    from candidate
    left join stale_copy
        on stale_copy.{{ key }} = candidate.{{ key }}
        and stale_copy.field_group = candidate.field_group
        and stale_copy.record_key = candidate.record_key
    where candidate.null_policy = 'propagate' and stale_copy.record_key is null
    union all
    select {{ contending_columns(key, 'candidate', score='measured.score') }}
    from candidate
    inner join measured
        on measured.{{ key }} = candidate.{{ key }}
        and measured.field_group = candidate.field_group
        and measured.record_key = candidate.record_key
    union all
    select {{ contending_columns(key, 'kept', score='1') }}
    from kept
    union all
    select {{ contending_columns(key, 'cleared', score=trust_score, value=nothing, lost_value_hash='cleared.lost_value_hash') }}
    from cleared
),

-- The fields of a unit share all of this, so that they rank alike.
ranked as (
    select
        *,
        rank() over (
            partition by {{ key }}, field_group
            order by case when is_owner then 0 else 1 end, score desc, version_at desc nulls last, trust, {{ in_byte_order('record_key') }}
        ) as place
    from contender
),

distinct_value as (
    select distinct {{ key }}, field, is_owner, value
    from candidate
    where rule = 'union'
),

joined as (
    select
        {{ key }},
        field,
        is_owner,
        {{ dbt.listagg(measure='value', delimiter_text="'; '", order_by_clause='order by ' ~ in_byte_order('value')) }} as value
    from distinct_value
    group by {{ key }}, field, is_owner
),

decided as (
    select
        ranked.{{ key }},
        ranked.field,
        cast(coalesce(joined.value, ranked.value) as {{ text_type() }}) as value,
        ranked.record_key as source_record_key,
        ranked.object_name as source_object,
        ranked.instance as source_instance,
        case when ranked.is_owner then 'owner' else ranked.rule end as rule,
        ranked.version_at,
        ranked.value is null as is_cleared,
        ranked.cleared_value_hash,
        true as is_contested
    from ranked
    left join joined
        on joined.{{ key }} = ranked.{{ key }}
        and joined.field = ranked.field
        and joined.is_owner = ranked.is_owner
    where ranked.place = 1
),

-- Most golden records have one record, whose values need not be compared with anything.
undisputed as (
    select
        record.{{ key }},
        golden_rule.field,
        {{ value_of_field(entity) }} as value,
        record.record_key as source_record_key,
        record.object_name as source_object,
        record.instance as source_instance,
        case when golden_rule.is_owner then 'owner' else golden_rule.rule end as rule,
        record.version_at,
        false as is_cleared,
        {{ nothing }} as cleared_value_hash,
        false as is_contested
    from record
    left join contested on contested.{{ key }} = record.{{ key }}
    inner join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = '{{ entity }}'
        and golden_rule.source_object = record.object_name
    where contested.{{ key }} is null
),

survived as (
    select {{ columns_of_fields(key) }}
    from decided
    union all
    select {{ columns_of_fields(key) }}
    from undisputed
    where value is not null
)
{%- endmacro %}


{# The columns of the table of fields. #}
{% macro columns_of_fields(key) -%}
    {{ key }}, field, value, source_record_key, source_object, source_instance, rule, version_at, is_cleared, cleared_value_hash, is_contested
{%- endmacro %}


{# What a record holds of the field of a rule, as text. #}
{% macro value_of_field(entity) -%}
    case golden_rule.field
            {%- for field in golden_fields(entity) %}
            when '{{ field }}' then cast(record.{{ field }} as {{ text_type() }})
            {%- endfor %}
        end
{%- endmacro %}


{#-
    CTEs from `record` (key, record_key, object_name, system_name, version_at, the golden fields) to `golden`: the values of the golden
    fields and the records they came from, as columns, with record_count, system_count and updated_at. What was contested is read from
    the table of fields: of several records nobody else knows who won, also when nothing did. A golden record that was not, as most are,
    has the values of its one record, and passes through without anything being held of it but its key: joined or grouped with all
    their columns, ten million did not fit into 4 GB.
-#}
{% macro golden_values(entity, key) -%}
several as (
    select {{ key }} from record group by {{ key }} having count(*) > 1
),

contested as (
    select * from (select * from {{ ref(entity ~ '_field') }} {{ where_changed(key) }}) as field_of_key where is_contested
),

compared as (
    select {{ key }} from several
    union
    select {{ key }} from contested
),

counted as (
    select
        record.{{ key }},
        count(*) as record_count,
        count(distinct record.system_name) as system_count,
        max(record.version_at) as updated_at
    from record
    inner join compared on compared.{{ key }} = record.{{ key }}
    group by record.{{ key }}
),

from_fields as (
    select
        {{ key }}
        {%- for field in golden_fields(entity) %},
        max(case when field = '{{ field }}' then value end) as {{ field }},
        max(case when field = '{{ field }}' then source_record_key end) as {{ field }}_source
        {%- endfor %}
    from contested
    group by {{ key }}
),

-- The objects that supply values, and of which fields.
supplier as (
    select
        source_object
        {%- for field in golden_fields(entity) %},
        max(case when field = '{{ field }}' then 1 else 0 end) as of_{{ field }}
        {%- endfor %}
    from {{ pipeline_relation('golden_rule') }}
    where entity = '{{ entity }}'
    group by source_object
),

golden as (
    select
        counted.{{ key }},
        {%- for field in golden_fields(entity) %}
        from_fields.{{ field }},
        from_fields.{{ field }}_source,
        {%- endfor %}
        counted.record_count,
        counted.system_count,
        counted.updated_at
    from counted
    left join from_fields on from_fields.{{ key }} = counted.{{ key }}
    union all
    select
        record.{{ key }},
        {%- for field in golden_fields(entity) %}
        case when supplier.of_{{ field }} = 1 then cast(record.{{ field }} as {{ text_type() }}) end as {{ field }},
        case when supplier.of_{{ field }} = 1 and record.{{ field }} is not null then record.record_key end as {{ field }}_source,
        {%- endfor %}
        1 as record_count,
        1 as system_count,
        record.version_at as updated_at
    from record
    left join supplier on supplier.source_object = record.object_name
    left join compared on compared.{{ key }} = record.{{ key }}
    where compared.{{ key }} is null
)
{%- endmacro %}
