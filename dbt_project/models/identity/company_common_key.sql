{{- config(meta={'changes': 'account_record_change'}) -}}
-- A key that many records share names no company: a franchise, a placeholder number.
with {{ common_keys(ref('company_match_key'), 'account_record_change', limit=10) }}

select rule, match_key, record_count from common
