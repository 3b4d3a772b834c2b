{#- What this model held after its last build: record_key, rule, match_key; nothing before the first build and in unit tests. -#}
{% macro keys_of_last_build() -%}
    {%- if execute and this and load_relation(this) is not none -%}
    select record_key, rule, match_key from {{ this }}
    {%- else -%}
    select
        cast(null as {{ text_type() }}) as record_key,
        cast(null as {{ text_type() }}) as rule,
        cast(null as {{ text_type() }}) as match_key
    where false
    {%- endif -%}
{%- endmacro %}

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
    CTE `evidence`: the keys of `selective`, and what systems say, from `retired` (record_key, external_id, rule, match_key): each
    record that lives on in another one shares a key with it, which is that other record, and keeps the External ID it carried.
-#}
{% macro said_by_systems() -%}
said as (
    select record_key, rule, match_key from retired
    union
    select match_key as record_key, rule, match_key from retired
    union
    select record_key, 'external_id' as rule, external_id as match_key from retired where external_id is not null
),

evidence as (
    select record_key, rule, match_key from selective
    union all
    select record_key, rule, match_key from said
)
{%- endmacro %}

{#-
    CTEs `last_build`, `stamped` and `every_key` from a CTE `match_key` (record_key, rule, match_key, nulls allowed).

    A record that carries our stamp keeps the keys it was recognised by, because our own writes change the values they
    are made of; and what an owner wrote on it is the owner's word, so that `owned_rules` give it no new keys.
    retired: whether there is a CTE `retired` of records that live on in others; they keep their last keys, by which others were
    recognised as the same.
-#}
{% macro stable_keys(records, owned_rules, retired=false) -%}
known_keys as (
    {{ keys_of_last_build() }}
),

last_build as (
    select record_key, rule, match_key
    from known_keys
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
        select last_build.record_key, last_build.rule, last_build.match_key
        from last_build
        inner join stamped on stamped.record_key = last_build.record_key
        {%- if retired %}
        union
        select last_build.record_key, last_build.rule, last_build.match_key
        from last_build
        inner join retired on retired.record_key = last_build.record_key
        {%- endif %}
    ) as kept
)
{%- endmacro %}

{#-
    CTE `selective`: the keys of `every_key` that at most `limit` records share. A key that joined records once goes on to
    do so while others arrive, up to twice the limit: nobody is split because the block has grown.
-#}
{% macro selective_keys(limit) -%}
large as (
    select rule, match_key, count(*) as record_count
    from every_key
    group by rule, match_key
    having count(*) > {{ limit }}
),

accepted as (
    select distinct large.rule, large.match_key
    from large
    inner join last_build on last_build.rule = large.rule and last_build.match_key = large.match_key
    where large.record_count <= {{ 2 * limit }}
),

selective as (
    select every_key.record_key, every_key.rule, every_key.match_key
    from every_key
    left join large on large.rule = every_key.rule and large.match_key = every_key.match_key
    left join accepted on accepted.rule = every_key.rule and accepted.match_key = every_key.match_key
    where large.rule is null or accepted.rule is not null
)
{%- endmacro %}
