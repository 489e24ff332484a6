package scenarios

import (
	"encoding/json"
	"strings"
	"testing"
)

// Cones that earlier versions stored have another key of the realized return.
func TestConeOfEarlierVersions(t *testing.T) {
	for _, key := range []string{"realized", "realised"} {
		var c Coverage
		text := `{"days": 2, "cone": {"day": [1, 2], "q50": [0.01, 0.02], "` + key + `": [0.03, 0.04], "score": 55}}`
		if err := json.Unmarshal([]byte(text), &c); err != nil || len(c.Cone.Realized) != 2 || c.Cone.Realized[1] != 0.04 || c.Cone.Q50[1] != 0.02 || c.Cone.Score != 55 {
			t.Errorf("%s: %+v, %v", key, c.Cone, err)
		}
		if b, err := json.Marshal(c); err != nil || !strings.Contains(string(b), `"realized":[0.03,0.04]`) {
			t.Errorf("written as %s, %v", b, err)
		}
	}
}
