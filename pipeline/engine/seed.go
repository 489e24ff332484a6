package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"runtime/debug"
)

// SeedFor derives the seed of an action from the root seed, the stage and the
// unit, and from nothing else: not from the worker, the order or the as-of
// date. Consecutive runs use the same random numbers, so that Monte Carlo noise
// does not become turnover.
func SeedFor(root uint64, stage, unit string) uint64 {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], root)
	h.Write([]byte("allocate seed 1\x00"))
	h.Write(b[:])
	h.Write([]byte(stage + "\x00" + unit))
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

func stream(seed uint64, part string) rand.Source {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write([]byte("allocate stream 1\x00"))
	h.Write(b[:])
	h.Write([]byte(part))
	return rand.NewChaCha8([32]byte(h.Sum(nil)))
}

// amd64Level returns GOAMD64 as the program was built: from level v3 the
// compiler fuses multiplications and additions, which changes last bits.
func amd64Level() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOAMD64" {
				return s.Value
			}
		}
	}
	return ""
}

// Streams returns the random sources of a command that is not a stage.
func Streams(root uint64, name string) func(part string) rand.Source {
	seed := SeedFor(root, name, "")
	return func(part string) rand.Source { return stream(seed, part) }
}
