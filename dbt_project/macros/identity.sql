{#- A query of the records of an object that were merged into another one: record_key, external_id, rule, match_key (the other one). -#}
{% macro merged_records(object_name, external_id) -%}
    select
        {{ record_key(object_name, 'instance', 'record_id') }} as record_key,
        cast({{ external_id }} as {{ text_type() }}) as external_id,
        'salesforce_merge' as rule,
        {{ record_key(object_name, 'instance', 'master_record_id') }} as match_key
    from {{ ref(object_name) }}
    where is_deleted and master_record_id is not null
{%- endmacro %}

{#- What is no key of a record's values, but what its system says of it (contact_sync/identity/evidence.py knows the same). -#}
{% macro rules_of_systems() -%}
    {{ return(['salesforce_merge', 'lead_conversion', 'external_id']) }}
{%- endmacro %}

{#-
    What this model held of changed records after its last build, as a query; nothing before the first build and in unit tests. A rebuild
    loses none of it: what stamped records were recognised by is nowhere else.
-#}
{% macro keys_of_last_build() -%}
    {%- set columns = [] -%}
    {%- if execute and this and load_relation(this) is not none -%}
        {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list -%}
    {%- endif -%}
    {%- if columns -%}
    select record_key, rule, match_key, {{ 'known_since' if 'known_since' in columns else 'cast(-1 as bigint)' }} as known_since
    from {{ this }}
    {{ where_changed('record_key') }}
    {%- else -%}
    select
        cast(null as {{ text_type() }}) as record_key,
        cast(null as {{ text_type() }}) as rule,
        cast(null as {{ text_type() }}) as match_key,
        cast(null as bigint) as known_since
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{#-
    CTEs up to `every_key` (record_key, rule, match_key) from a CTE `match_key` (the same, nulls allowed): the keys of changed records.

    A record that carries our stamp keeps the keys it was recognised by, because our own writes change the values they
    are made of; and what an owner wrote on it is the owner's word, so that `owned_rules` give it no new keys.
    retired: whether there is a CTE `retired` of records that live on in others; they keep their last keys, by which others were
    recognised as the same.
-#}
{% macro stable_keys(records, owned_rules, retired=false) -%}
last_build as (
    {{ keys_of_last_build() }}
),

last_key as (
    select record_key, rule, match_key
    from last_build
    where rule not in ('{{ rules_of_systems() | join("', '") }}')
),

stamped as (
    select record_key from {{ records }} where external_id is not null
),

-- A record has each key of its values once; what it kept besides may be the same.
every_key as (
    select match_key.record_key, match_key.rule, match_key.match_key
    from match_key
    left join stamped on stamped.record_key = match_key.record_key
    where match_key.match_key is not null and stamped.record_key is null
    union all
    select record_key, rule, match_key
    from (
        select match_key.record_key, match_key.rule, match_key.match_key
        from match_key
        inner join stamped on stamped.record_key = match_key.record_key
        where match_key.match_key is not null and match_key.rule not in ('{{ owned_rules | join("', '") }}')
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join stamped on stamped.record_key = last_key.record_key
        {%- if retired %}
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join retired on retired.record_key = last_key.record_key
        {%- endif %}
    ) as kept
)
{%- endmacro %}

{#-
    CTE `dated`: the keys of `every_key`, and what systems say, from `retired` (record_key, external_id, rule, match_key): the key of a
    record that lives on in another one is that other record, and it keeps the External ID it carried. With the refresh since which
    the record has the key.
-#}
{% macro dated_keys() -%}
said as (
    select record_key, rule, match_key from retired
    union
    select record_key, 'external_id' as rule, external_id as match_key from retired where external_id is not null
),

evidence as (
    select record_key, rule, match_key from every_key
    union all
    select record_key, rule, match_key from said
),

dated as (
    select
        evidence.record_key,
        evidence.rule,
        evidence.match_key,
        coalesce(last_build.known_since, {{ this_refresh() }}) as known_since
    from evidence
    left join last_build
        on last_build.record_key = evidence.record_key
        and last_build.rule = evidence.rule
        and last_build.match_key = evidence.match_key
)
{%- endmacro %}

{#-
    CTEs `so_far` and `common` (rule, match_key, record_count): the keys that more than `limit` records share, which name nobody. A key that
    joined records once goes on to do so while others arrive, up to twice the limit: nobody is split because the block has
    grown. Only keys of changed records, and those that were common so far, can have become another thing.
-#}
{% macro common_keys(keys, limit) -%}
so_far as (
    {{ common_of_last_build() }}
),

touched as (
    select rule, match_key from {{ keys }} {{ where_changed('record_key') }}
    union
    select rule, match_key from so_far
),

counted as (
    select keys.rule, keys.match_key, count(*) as record_count, min(keys.known_since) as known_since
    from {{ keys }} as keys
    inner join touched
        on touched.rule = keys.rule
        and touched.match_key = keys.match_key
    where keys.rule not in ('{{ rules_of_systems() | join("', '") }}')
    group by keys.rule, keys.match_key
    having count(*) > {{ limit }}
),

common as (
    select counted.rule, counted.match_key, counted.record_count
    from counted
    left join so_far
        on so_far.rule = counted.rule
        and so_far.match_key = counted.match_key
    where counted.record_count > {{ 2 * limit }}
        or so_far.rule is not null
        -- The last build did not know it.
        or counted.known_since > {{ last_change_seen() }}
)
{%- endmacro %}

{#- The keys that were common in the last build of this model: rule, match_key. -#}
{% macro common_of_last_build() -%}
    {%- if execute and this and load_relation(this) is not none -%}
    select rule, match_key from {{ this }}
    {%- else -%}
    select
        cast(null as {{ text_type() }}) as rule,
        cast(null as {{ text_type() }}) as match_key
    where 1 = 0
    {%- endif -%}
{%- endmacro %}
