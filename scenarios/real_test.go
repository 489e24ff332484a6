package scenarios

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

// realSeries reads the 29 strategies, a blank cell for a day without return.
func realSeries(t *testing.T) []*returns.Series {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "shared", "data", "strategies", "returns.csv"))
	if err != nil {
		t.Skip("the shared returns are not there: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []*returns.Series
	for j, name := range rows[0][1:] {
		s := &returns.Series{Strategy: returns.Strategy{Name: name}}
		for _, row := range rows[1:] {
			if row[j+1] == "" {
				continue
			}
			d, err := returns.ParseDate(row[0])
			if err != nil {
				t.Fatal(err)
			}
			r, err := strconv.ParseFloat(row[j+1], 64)
			if err != nil {
				t.Fatal(err)
			}
			s.Dates, s.Returns = append(s.Dates, d), append(s.Returns, r)
		}
		out = append(out, s)
	}
	return out
}

// between returns the days of s in [from, to).
func between(s *returns.Series, from, to returns.Date) *returns.Series {
	a, _ := slices.BinarySearch(s.Dates, from)
	b, _ := slices.BinarySearch(s.Dates, to)
	return &returns.Series{Strategy: s.Strategy, Dates: s.Dates[a:b], Returns: s.Returns[a:b]}
}

func fitted(t *testing.T, s *returns.Series) Strategy {
	t.Helper()
	o := bayes.DefaultOptions()
	o.Replicates = 0
	p, err := bayes.Fit(t.Context(), s, o, func(part string) rand.Source { return stream(17)(s.Strategy.Name + part) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	return Strategy{Series: s, Posterior: p, Predictor: m}
}

// The equal-weight portfolio of the real strategies, predicted 21 days ahead:
// how often is it below the predicted 5% and 1% quantiles in the windows of
// 2013 to 2022? Once with posteriors of the days up to the end of 2012 for all
// ten years, once with posteriors made anew each year. Windows begin on every
// day and overlap, so that their shares are worth those of the 119 that do not.
func TestRealCoverage(t *testing.T) {
	if !*long {
		t.Skip("fits 29 strategies eleven times; run with -long")
	}
	const h = 21
	series := realSeries(t)
	last := returns.NewDate(2023, 1, 1)
	type window struct {
		from returns.Date
		r    float64
	}
	var realized []window
	future := between(series[0], returns.NewDate(2013, 1, 1), last)
	for start := 0; start+h <= future.Len(); start++ {
		sum := 0.0
		for _, s := range series {
			f := between(s, future.Dates[start], last)
			if f.Len() < h || f.Dates[h-1] != future.Dates[start+h-1] {
				t.Fatalf("%s has no return on some day of the window from %v", s.Strategy.Name, future.Dates[start])
			}
			w := 1.0
			for _, r := range f.Returns[:h] {
				w *= 1 + r
			}
			sum += (w - 1) / float64(len(series))
		}
		realized = append(realized, window{future.Dates[start], sum})
	}
	levels := []float64{0.05, 0.01}
	for _, years := range []int{10, 1} {
		below, apart := map[string][2]float64{}, map[string][2]float64{}
		for year := 2013; year < 2023; year += years {
			from, to := returns.NewDate(year, 1, 1), returns.NewDate(year+years, 1, 1)
			var s []Strategy
			for _, full := range series {
				s = append(s, fitted(t, between(full, 0, from)))
			}
			for _, kind := range dependences {
				set, findings, err := Generate(t.Context(), 0, s, Options{Horizon: h, Count: 10000, Dependence: kind}, stream(1), 2, nil)
				if err != nil {
					t.Fatal(err)
				}
				if year == 2013 && years == 10 {
					for _, f := range findings {
						if kind == TCopula || f.Code == "scenarios.cvar" {
							t.Log(kind, f)
						}
					}
				}
				loss := equalWeightLoss(set)
				slices.Sort(loss)
				for i, q := range levels {
					cut := -loss[len(loss)-1-int(q*float64(len(loss)))]
					all, some := below[kind], apart[kind]
					for k, w := range realized {
						if w.from >= from && w.from < to && w.r < cut {
							all[i]++
							if k%h == 0 {
								some[i]++
							}
						}
					}
					below[kind], apart[kind] = all, some
				}
			}
		}
		n := float64(len(realized))
		m := math.Ceil(n / h)
		for _, kind := range dependences {
			for i, q := range levels {
				t.Logf("posteriors for %d years, %s: below the %.0f%% quantile %.2f%% of %.0f rolling windows, %.2f%% of %.0f apart (standard error %.1f points)",
					years, kind, 100*q, 100*below[kind][i]/n, n, 100*apart[kind][i]/m, m, 100*math.Sqrt(q*(1-q)/m))
			}
		}
	}
}
