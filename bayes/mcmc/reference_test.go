package mcmc

import (
	"archive/zip"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
)

// published are the diagnostics that posteriordb (BSD-3) states in its
// reference_posteriors/draws/info files for its own reference draws, computed
// by the R package posterior 0.0.1 and 0.0.2.
var published = []struct {
	name       string
	params     []string
	bulk, tail []float64
	rhat       []float64
}{
	{
		"garch-garch11",
		[]string{"mu", "alpha0", "alpha1", "beta1"},
		[]float64{10093.2017497518, 9988.02712996406, 9868.74223306474, 9976.65687609005},
		[]float64{10081.3102608303, 9995.83172231371, 9910.15350455692, 10209.1530053413},
		[]float64{1.00035681055177, 1.00034013590568, 1.00048448903752, 1.00001047733368},
	},
	{
		"eight_schools-eight_schools_noncentered",
		[]string{"mu", "tau", "theta[1]", "theta[5]", "theta[8]"},
		[]float64{10041.0896201168, 9989.27163956509, 10095.2967716424, 9921.76671546211, 9605.15453269234},
		[]float64{9973.47696505836, 9992.18100324749, 9732.47952723908, 10206.5263539246, 9870.88374609811},
		[]float64{0.99976115558753, 0.999845473374448, 0.999788767583518, 1.00048367344003, 0.999968330173144},
	},
}

func referenceDraws(t *testing.T, name string) []map[string][]float64 {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("../../../shared/reference/posteriordb", name, "reference_draws.json.zip"))
	if err != nil {
		t.Skipf("no posteriordb references: %v", err)
	}
	defer z.Close()
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var chains []map[string][]float64
	if err := json.NewDecoder(f).Decode(&chains); err != nil {
		t.Fatal(err)
	}
	return chains
}

func TestPublishedDiagnostics(t *testing.T) {
	for _, p := range published {
		draws := referenceDraws(t, p.name)
		for i, param := range p.params {
			var chains [][]float64
			for _, c := range draws {
				chains = append(chains, c[param])
			}
			s := Summarize(chains)
			// The two middle draws are equally far from the median; in R̂'s folded
			// ranks rounding decides whether they tie, worth about 1e-6.
			for _, c := range []struct {
				what           string
				got, want, tol float64
			}{
				{"bulk ESS", s.ESSBulk, p.bulk[i], 1e-9},
				{"tail ESS", s.ESSTail, p.tail[i], 1e-9},
				{"R̂", s.RHat, p.rhat[i], 3e-6},
			} {
				if math.Abs(c.got/c.want-1) > c.tol {
					t.Errorf("%s %s: %s %.12g, published %.12g", p.name, param, c.what, c.got, c.want)
				}
			}
		}
	}
}
