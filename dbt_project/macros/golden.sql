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


{# One row per record and field, the value as text. #}
{% macro unpivot_fields(relation, columns, fields) %}
    {%- for field in fields %}
    select {{ columns | join(', ') }}, '{{ field }}' as field, cast({{ field }} as {{ text_type() }}) as value from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}


{# Who wins among the values of a field: its owner, then by the rule of the field, ties by the record key. #}
{% macro survivorship_order() -%}
    is_owner desc,
            case when rule = 'trust' then trust end nulls last,
            version_at desc nulls last,
            trust,
            {{ in_byte_order('record_key') }}
{%- endmacro %}


{# The values of the golden fields and the records they came from, as columns. #}
{% macro golden_columns(fields) %}
    {%- for field in fields %}
        max(case when field = '{{ field }}' then value end) as {{ field }},
        max(case when field = '{{ field }}' then source_record_key end) as {{ field }}_source
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
