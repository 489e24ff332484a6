package bayes

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"allocate/returns/columnar"
)

// go test ./bayes -run CmdStan -draws DIR leaves the files there, for R.
var drawsDir = flag.String("draws", "", "folder in which TestCmdStan leaves its files")

// round takes a posterior through its table and back.
func round(t *testing.T, p *Posterior) {
	t.Helper()
	table, err := p.Table()
	if err != nil {
		t.Fatal(err)
	}
	b, err := columnar.EncodeIPC(table)
	if err != nil {
		t.Fatal(err)
	}
	back, err := columnar.DecodeIPC(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromTable(back)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Table()
	if err != nil {
		t.Fatal(err)
	}
	b2, err := columnar.EncodeIPC(again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, b2) {
		t.Error("the table does not come back")
	}
}

func TestTableRoundTrip(t *testing.T) {
	o := DefaultOptions()
	o.Chains, o.Draws = 8, 100
	p, err := Fit(context.Background(), seriesOf(benchmarkReturns(300)), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Summary[0].NestedRHat == nil || *p.Summary[0].NestedRHat > 1.05 {
		t.Errorf("nested R-hat %v", p.Summary[0].NestedRHat)
	}
	round(t, p)
	var b bytes.Buffer
	if err := p.WriteParquet(&b); err != nil {
		t.Fatal(err)
	}
	table, err := columnar.ReadParquet("draws", bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	sigma, err := table.FloatsOf("sigma")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range sigma {
		if v != p.Theta(i)[1] {
			t.Fatalf("draw %d of sigma is %v, was %v", i, v, p.Theta(i)[1])
		}
	}
}

// The files read back number for number.
func TestCmdStan(t *testing.T) {
	p, err := Fit(context.Background(), seriesOf(benchmarkReturns(300)), DefaultOptions(), testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for chain := 1; chain <= p.Chains; chain++ {
		var b bytes.Buffer
		if err := p.WriteCmdStan(&b, chain); err != nil {
			t.Fatal(err)
		}
		if *drawsDir != "" {
			if err := os.WriteFile(filepath.Join(*drawsDir, "draws-"+strconv.Itoa(chain)+".csv"), b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		r := csv.NewReader(&b)
		r.Comment = '#'
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(rows[0], " "); got != "lp__ accept_stat__ stepsize__ treedepth__ n_leapfrog__ divergent__ energy__ mu sigma nu sd sharpe" {
			t.Errorf("header %s", got)
		}
		if len(rows) != 1+p.Draws {
			t.Fatalf("%d rows", len(rows))
		}
		for i, row := range rows[1:] {
			at := (chain-1)*p.Draws + i
			for k, want := range append([]float64{p.Sampler.LogDensity[at]}, p.Theta(at)...) {
				column := 0
				if k > 0 {
					column = 6 + k
				}
				if got, err := strconv.ParseFloat(row[column], 64); err != nil || got != want {
					t.Fatalf("chain %d, draw %d, column %d: %s, want %v", chain, i, column, row[column], want)
				}
			}
		}
	}
	if *drawsDir != "" {
		var b bytes.Buffer
		for _, n := range []int{60, 252, 2520, 25200} {
			b.Reset()
			for _, r := range benchmarkReturns(n) {
				b.WriteString(short(r) + "\n")
			}
			if err := os.WriteFile(filepath.Join(*drawsDir, "returns-"+strconv.Itoa(n)+".txt"), b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		b.Reset()
		table, err := p.Table()
		if err != nil {
			t.Fatal(err)
		}
		if err := columnar.WriteCSV(&b, table, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*drawsDir, "table.csv"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		b.WriteString("variable,mean,median,sd,mad,q5,q95,rhat,ess_bulk,ess_tail,mcse_mean,mcse_sd\n")
		for _, s := range p.Summary {
			b.WriteString(s.Name)
			for _, v := range []Number{s.Mean, s.Median, s.SD, s.MAD, s.Q5, s.Q95, s.RHat, s.ESSBulk, s.ESSTail, s.MCSEMean, s.MCSESD} {
				b.WriteString("," + short(float64(v)))
			}
			b.WriteString("\n")
		}
		if err := os.WriteFile(filepath.Join(*drawsDir, "summary.csv"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.WriteCmdStan(&bytes.Buffer{}, 5); err == nil {
		t.Error("chain 5 of 4 is written")
	}
}

// The same seed gives the same posterior, alone or among others fitted at the
// same time with shared buffers.
func TestSameSeedSameDraws(t *testing.T) {
	fit := func(n int) *Posterior {
		rng := rand.New(rand.NewPCG(uint64(n), 9))
		p, err := Fit(context.Background(), seriesOf(simulateT(rng, 200+n, 0, 0.01, 4)), DefaultOptions(), testStream(uint64(n)), nil)
		if err != nil {
			t.Error(err)
		}
		return p
	}
	const n = 8
	var alone, together [n]*Posterior
	for i := range n {
		alone[i] = fit(i)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { together[n-1-i] = fit(n - 1 - i) })
		runtime.Gosched()
	}
	wg.Wait()
	for i := range n {
		if !reflect.DeepEqual(alone[i], together[i]) {
			t.Errorf("series %d differs", i)
		}
	}
}
