package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestSchema expects every key of the configuration, and the numbers that a
// reader of the results looks for, in the schemas.
func TestSchema(t *testing.T) {
	for kind, wanted := range map[string][]string{
		"config":   {`"optimize"`, `"max_turnover"`, `"backtest"`, "confidence level of the CVaR", `"additionalProperties": false`},
		"summary":  {`"cvar"`, `"certificate"`, `"strategies"`, `"probability_mean_above_0"`, `"sensitivity"`, `"type": "null"`},
		"backtest": {`"rebalances"`, `"metrics"`, `"acerbi_szekely"`},
	} {
		var b bytes.Buffer
		if err := WriteSchema(&b, kind); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%s: not JSON", kind)
		}
		for _, part := range wanted {
			if !strings.Contains(b.String(), part) {
				t.Errorf("schema of %s lacks %s", kind, part)
			}
		}
		if strings.Contains(b.String(), "http://") || strings.Count(b.String(), "https://") > 1 {
			t.Errorf("schema of %s points elsewhere than to the draft", kind)
		}
	}
	if err := WriteSchema(&bytes.Buffer{}, "weights"); err == nil {
		t.Error("a schema of nothing")
	}
}

func TestDocs(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	for _, f := range Fields() {
		if !strings.Contains(b.String(), "| `"+f.Key+"` |") {
			t.Errorf("%s is not in the manual", f.Key)
		}
	}
}
