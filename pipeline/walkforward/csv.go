package walkforward

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"allocate/bayes"
)

// WriteCSV writes the rows of the strategies. Shares are fractions of the forecasts;
// what does not exist is blank.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	header := []string{"strategy", "model", "families", "forecasts", "log_score_difference", "log_score_standard_error", "crps_ratio"}
	for _, period := range []string{"day", "horizon"} {
		for _, state := range []string{"all", "calm", "middle", "high"} {
			for _, what := range []string{"forecasts", "below_5", "below_1"} {
				header = append(header, period+"_"+state+"_"+what)
			}
		}
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for i := range r.Strategies {
		row := &r.Strategies[i]
		line := []string{row.Strategy, row.Model, strings.Join(row.Families, " "), strconv.Itoa(row.Day.All.Forecasts), text(row.LogScore.Mean), text(row.LogScore.SE), text(row.CRPSRatio)}
		for _, c := range []*Coverage{&row.Day, &row.Horizon} {
			for _, e := range []Exceedances{c.All, c.Calm, c.Middle, c.High} {
				line = append(line, strconv.Itoa(e.Forecasts), text(share(e.Below5, e.Forecasts)), text(share(e.Below1, e.Forecasts)))
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func share(x, n int) bayes.Number { return bayes.Number(float64(x) / float64(n)) }

func text(x bayes.Number) string {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return ""
	}
	return strconv.FormatFloat(float64(x), 'g', -1, 64)
}
