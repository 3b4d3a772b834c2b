{# The refusals that records carry: channel, the flag, the time since when it stands, and its column in Salesforce. #}
{% macro refusal_columns() %}
    {{ return([
        {'channel': 'email', 'flag': 'has_opted_out_of_email', 'since': 'opted_out_of_email_since', 'bronze': 'HasOptedOutOfEmail'},
        {'channel': 'phone', 'flag': 'do_not_call', 'since': 'do_not_call_since', 'bronze': 'DoNotCall'},
    ]) }}
{% endmacro %}


{# For each record of which a version in this batch refuses something: when each refusal was first seen after the last of these versions
   without it, and when that was (`_free_at`; null if no version is without it). Few records refuse, so that history is read for few;
   it is read for itself, because an engine would keep all columns of versions that are read twice. #}
{% macro refusals(object_name) %}
    select
        version._instance,
        version._record_id
        {%- for column in refusal_columns() %},
        max(version.{{ column.flag }}_free_at) as {{ column.flag }}_free_at,
        min(
            case
                when version.{{ column.flag }} and (version.{{ column.flag }}_free_at is null or version._extracted_at > version.{{ column.flag }}_free_at)
                then version._extracted_at
            end
        ) as {{ column.since }}
        {%- endfor %}
    from (
        select
            flagged.*
            {%- for column in refusal_columns() %},
            max(case when not flagged.{{ column.flag }} then flagged._extracted_at end)
                over (partition by flagged._instance, flagged._record_id) as {{ column.flag }}_free_at
            {%- endfor %}
        from ({{ flagged_versions(object_name) }}) as flagged
        inner join (
            select _instance, _record_id
            from ({{ flagged_versions(object_name) }}) as version
            where {% for column in refusal_columns() %}version.{{ column.flag }}{{ ' or ' if not loop.last }}{% endfor %}
            group by _instance, _record_id
        ) as refusing
            on refusing._instance = flagged._instance
            and refusing._record_id = flagged._record_id
    ) as version
    group by version._instance, version._record_id
{%- endmacro %}

{# The versions of this batch with their refusals as booleans. The columns are quoted as expressions are, because nothing here has
   trimmed them before. #}
{% macro flagged_versions(object_name) %}
    select
        _instance,
        _record_id,
        _extracted_at
        {%- for column in refusal_columns() %},
        coalesce({{ as_boolean(bronze_column(column.bronze)) | trim }}, false) as {{ column.flag }}
        {%- endfor %}
    from (
        {{- bronze_batch(object_name) }}
    ) as batch
{%- endmacro %}


{# The rows of `current` with the time since when each refusal stands: the known one, unless a version of this batch is without it. #}
{% macro with_refusals(current, refusal) %}
    select
        incoming.*
        {%- for column in refusal_columns() %},
        case
            when not coalesce(incoming.{{ column.flag }}, false) then null
            {%- if is_incremental() %}
            when refused.known_{{ column.flag }} and refused.{{ column.flag }}_free_at is null
            then coalesce(refused.known_{{ column.since }}, refused.{{ column.since }})
            {%- endif %}
            else refused.{{ column.since }}
        end as {{ column.since }}
        {%- endfor %}
    from {{ current }} as incoming
    {%- if is_incremental() %}
    left join (
        -- First with the few that refuse: what is known of all others is not read.
        select
            {{ refusal }}.*
            {%- for column in refusal_columns() %},
            this.{{ column.flag }} as known_{{ column.flag }},
            this.{{ column.since }} as known_{{ column.since }}
            {%- endfor %}
        from {{ refusal }}
        left join {{ this }} as this
            on this.instance = {{ refusal }}._instance
            and this.record_id = {{ refusal }}._record_id
    ) as refused
    {%- else %}
    left join {{ refusal }} as refused
    {%- endif %}
        on refused._instance = incoming.instance
        and refused._record_id = incoming.record_id
{%- endmacro %}
