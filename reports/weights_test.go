package reports

import (
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
)

// The forms of other programs have their day and their unit: the day on which
// weights take effect, and percent where a broker wants it.
func TestWeightFormats(t *testing.T) {
	w := &optimize.Weights{
		AsOf: returns.NewDate(2024, 3, 1), Effective: returns.NewDate(2024, 3, 4), Decimals: 4,
		Names: []string{"a", "b", optimize.Cash}, Values: []float64{0.125, 0.5, 0.375},
	}
	for form, want := range map[string]string{
		LongWeights: "as_of,effective,strategy,weight\n2024-03-01,2024-03-04,a,0.1250\n2024-03-01,2024-03-04,b,0.5000\n2024-03-01,2024-03-04,CASH,0.3750\n",
		WideWeights: "date,a,b,CASH\n2024-03-04,0.1250,0.5000,0.3750\n",
		IBKRWeights: "DES,a,STK,SMART,,,,,,12.50\nDES,b,STK,SMART,,,,,,50.00\n",
		LEANWeights: "20240304,a,0.1250\n20240304,b,0.5000\n",
	} {
		var b strings.Builder
		if err := EncodeWeights(&b, w, form); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%swant\n%s", form, err, b.String(), want)
		}
	}
}
