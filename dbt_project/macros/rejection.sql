{# What becomes of values that silver cannot take over. A source_record model types each field once (`{{ as_date('CloseDate') }} as
   close_date`); its CTE `checked` says what was refused in the column `rejected_fields`, from which `rejected_value` has a row per
   value. Which fields there are is read from the model's own code, as the check `types_fit` does (contact_sync/warehouse/types.py). #}

{# Words that people and exports write where there is nothing. A field typed by `as_value`, or as anything but text, is null then; by
   `as_text` it stays: Null is a family name, and NA a country. #}
{% macro placeholders() -%}
    {{ return([
        'n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown',
        'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?',
    ]) }}
{%- endmacro %}

{% macro is_no_placeholder(text) -%}
    lower({{ text }}) not in ('{{ placeholders() | join("', '") }}')
{%- endmacro %}


{# Text that cannot be one of the placeholders, such as an e-mail address: `checked` makes null of them. #}
{% macro as_value(column) -%}
    {{ as_text(column) }}
{%- endmacro %}


{# The object of a model: the bronze table it reads. #}
{% macro object_of_model() -%}
    {{ return(modules.re.search("bronze_batch\\('(\\w+)'\\)", model.raw_code).group(1)) }}
{%- endmacro %}

{# The columns of the CTE `typed`, one a line. #}
{% macro columns_of_model() -%}
    {%- set typed = model.raw_code.partition('typed as (')[2].partition('from latest')[0] -%}
    {{ return(modules.re.findall('(?m) as (\\w+),?[ \\t]*$', typed) + ['version_at', 'is_deleted', 'extracted_at', 'batch_id']) }}
{%- endmacro %}

{# Its typed fields that are not text: (bronze field, column, type). #}
{% macro typed_fields_of_model() -%}
    {%- set types = {
        'as_boolean': 'boolean', 'as_timestamp': 'timestamp', 'as_date': 'date', 'as_time': 'time', 'as_integer': 'bigint', 'as_id': 'id',
    } -%}
    {%- set fields = [] -%}
    {%- for macro, field, digits, column in modules.re.findall(
        "\\{\\{\\s*(as_\\w+)\\('(\\w+)'(?:,\\s*(\\d+,\\s*\\d+))?\\)\\s*\\}\\}\\s+as\\s+(\\w+)", model.raw_code
    ) -%}
        {%- if macro == 'as_decimal' -%}
            {%- do fields.append((field, column, 'decimal(' ~ (digits or '18, 2') ~ ')')) -%}
        {%- elif macro in types -%}
            {%- do fields.append((field, column, types[macro])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}

{# The columns that `as_value` makes. #}
{% macro value_columns_of_model() -%}
    {{ return(modules.re.findall("\\{\\{\\s*as_value\\('\\w+'\\)\\s*\\}\\}\\s+as\\s+(\\w+)", model.raw_code)) }}
{%- endmacro %}


{# The trimmed text that the typed fields were sent as, for `checked`. #}
{% macro sent_columns() -%}
    {%- for field, column, _ in typed_fields_of_model() -%}
    {{ trimmed_text(field) }} as sent_{{ column }},
        {% endfor -%}
{%- endmacro %}


{#- The typed rows with `rejected_fields`: `field|rule|kind of value;` for each refused value, null where there is none.

    A value that is none of its type is null already. rules: column -> what holds of each value, as SQL after the column; what breaks
    it is refused. picklists: columns whose values are those of the seed `picklist_value`, in its spelling; others stay as they are and
    are reported.
-#}
{% macro checked(relation, rules={}, picklists=[]) -%}
    {%- set values = value_columns_of_model() -%}
    {%- set types = {} -%}
    {#- (what has to hold that a value may be refused, cheap to see; that it is; column; rule; kind of value) -#}
    {%- set refusals = [] -%}
    {%- for _, column, type in typed_fields_of_model() -%}
        {%- do types.update({column: type}) -%}
        {%- set value, sent = 'typed.' ~ column, 'typed.sent_' ~ column -%}
        {%- do refusals.append((
            value ~ ' is null and ' ~ sent ~ ' is not null', value ~ ' is null and ' ~ is_no_placeholder(sent),
            column, type, text_kind(sent)
        )) -%}
    {%- endfor -%}
    {%- for column, rule in rules.items() -%}
        {%- set broken = 'not (typed.' ~ column ~ ' ' ~ rule ~ ')' -%}
        {%- do refusals.append((broken, broken, column, rule, text_literal(types.get(column, 'text')))) -%}
    {%- endfor -%}
    {%- for column in picklists -%}
        {%- set value, unknown = 'typed.' ~ column, 'picklist_' ~ column ~ '.value is null' -%}
        {%- do refusals.append((
            value ~ ' is not null and ' ~ unknown, unknown ~ ' and ' ~ is_no_placeholder(value), column, 'picklist', text_kind(value)
        )) -%}
    {%- endfor %}
    select
        {%- for column in columns_of_model() %}
        {%- set value = 'typed.' ~ column %}
        {% if column in picklists -%}
        coalesce(picklist_{{ column }}.value, case when {{ is_no_placeholder(value) }} then {{ value }} end) as {{ column }}
        {%- elif column in rules -%}
        case when {{ value }} {{ rules[column] }} then {{ value }} end as {{ column }}
        {%- elif column in values -%}
        case when {{ is_no_placeholder(value) }} then {{ value }} end as {{ column }}
        {%- else -%}
        {{ value }}
        {%- endif -%},
        {%- endfor %}
        {% if refusals -%}
        case
            when {% for possible, _, _, _, _ in refusals %}{{ possible }}
                {%- if not loop.last %}
                or {% endif %}{% endfor %}
            then nullif({% for _, refused, column, rule, kind in refusals -%}
                case when {{ refused }} then {{ text_literal(column ~ '|' ~ rule ~ '|') }} || {{ kind }} || ';' else '' end
                {%- if not loop.last %}
                || {% endif %}{% endfor %}, '')
        end as rejected_fields
        {%- else -%}
        cast(null as {{ text_type() }}) as rejected_fields
        {%- endif %}
    from {{ relation }} as typed
    {%- for column in picklists %}
    left join {{ ref('picklist_value') }} as picklist_{{ column }}
        on picklist_{{ column }}.object_name = '{{ object_of_model() }}'
        and picklist_{{ column }}.field = '{{ column }}'
        and picklist_{{ column }}.source_value = lower(typed.{{ column }})
    {%- endfor %}
{%- endmacro %}

{# What is told of a refused text: its length. #}
{% macro text_kind(text) -%}
    'text(' || cast(length({{ text }}) as {{ text_type() }}) || ')'
{%- endmacro %}

{# The models of source_record, whose refused values `rejected_value` lists; `contact-sync scaffold object` adds its own. #}
{% macro refused_objects() -%}
    {{ return([
        'drops__trade_show',
        'erp__contact',
        'erp__customer',
        'erp__order',
        'salesforce__account',
        'salesforce__case',
        'salesforce__contact',
        'salesforce__event',
        'salesforce__lead',
        'salesforce__opportunity',
        'salesforce__task',
        'salesforce__user',
    ]) }}
{%- endmacro %}


{# The models that refuse values without a usable form (docs/normalisation.md), of live records. #}
{% macro normalised_relations() -%}
    {{ return(['contact_record', 'account_record']) }}
{%- endmacro %}
