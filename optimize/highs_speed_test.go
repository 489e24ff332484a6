package optimize

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"allocate/scenarios"
)

var (
	npy     = flag.String("npy", "", "file to which TestSpeed writes its scenarios for testdata/reference/highs/speed.py")
	npyMost = flag.Int("npypositions", 0, "at most so many positions in TestSpeed, each of at least 3% and at most 40%; 0: no limit")
	npySize = flag.String("npysize", "50x10000", "strategies x scenarios of TestSpeed")
)

// TestSpeed solves the problem of BenchmarkSolve and writes its scenarios, so
// that HiGHS can be timed on the same numbers by the same machine.
func TestSpeed(t *testing.T) {
	if *npy == "" {
		t.Skip("no -npy")
	}
	var n, m int
	if _, err := fmt.Sscanf(*npySize, "%dx%d", &n, &m); err != nil || n < 1 || n > 26*26 || m < 1 {
		t.Fatalf("-npysize %q is not like 50x10000", *npySize)
	}
	set := factorSet(1, n, m)
	f, err := os.Create(*npy)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeNPY(f, set); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p := problem(t, set, func(o *Options) {
		if *npyMost > 0 {
			o.MaxWeight, o.MaxPositions, o.MinPosition = 0.4, *npyMost, 0.03
		}
	})
	best, repeats := time.Hour, 3
	if *npyMost > 0 {
		repeats = 1
	}
	var s *Solution
	for range repeats {
		start := time.Now()
		s = solve(t, p)
		best = min(best, time.Since(start))
	}
	t.Logf("%s: %v, the least of %d; CVaR %.15g, certified gap %.3g; alpha %v, cap %v",
		*npySize, best.Round(time.Microsecond), repeats, s.Certificate.ExactPrimal, s.Certificate.ExactGap, p.Alpha, p.Upper[0])
}

// writeNPY writes the S x N returns as a file of NumPy's format, version 1.0.
func writeNPY(w io.Writer, set *scenarios.Set) error {
	header := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }", set.Len(), len(set.Names))
	const preamble = 10 // magic, version and length of the header, which ends at a multiple of 64
	header += strings.Repeat(" ", 63-(preamble+len(header))%64) + "\n"
	b := bufio.NewWriter(w)
	for _, part := range []any{[]byte("\x93NUMPY\x01\x00"), uint16(len(header)), []byte(header), set.Returns} {
		if err := binary.Write(b, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return b.Flush()
}
