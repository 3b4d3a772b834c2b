{{- follows('account_record_change', key='record_key', is_replaced=false) -}}
-- A key that many records share names no company: a franchise, a placeholder number.
with {{ common_keys(ref('company_match_key'), limit=10) }}

select rule, match_key, record_count from common
