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

{#-
    CTEs `last_build`, `stamped` and `every_key` from a CTE `match_key` (record_key, rule, match_key, nulls allowed).

    A record that carries our stamp keeps the keys it was recognised by, because our own writes change the values they
    are made of; and what an owner wrote on it is the owner's word, so that `owned_rules` give it no new keys.
-#}
{% macro stable_keys(records, owned_rules) -%}
last_build as (
    {{ keys_of_last_build() }}
),

stamped as (
    select record_key from {{ records }} where external_id is not null
),

every_key as (
    select match_key.record_key, match_key.rule, match_key.match_key
    from match_key
    left join stamped on stamped.record_key = match_key.record_key
    where
        match_key.match_key is not null
        and (stamped.record_key is null or match_key.rule not in ('{{ owned_rules | join("', '") }}'))
    union
    select last_build.record_key, last_build.rule, last_build.match_key
    from last_build
    inner join stamped on stamped.record_key = last_build.record_key
)
{%- endmacro %}

{#-
    CTE `selective`: the keys of `every_key` that at most `limit` records share. A key that joined records once goes on to
    do so while others arrive, up to twice the limit: nobody is split because the block has grown.
-#}
{% macro selective_keys(limit) -%}
sized as (
    select record_key, rule, match_key, count(*) over (partition by rule, match_key) as block_size
    from every_key
),

accepted as (
    select distinct rule, match_key from last_build
),

selective as (
    select sized.record_key, sized.rule, sized.match_key
    from sized
    left join accepted on accepted.rule = sized.rule and accepted.match_key = sized.match_key
    where sized.block_size <= {{ limit }} or (accepted.rule is not null and sized.block_size <= {{ 2 * limit }})
)
{%- endmacro %}
