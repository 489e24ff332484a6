package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
)

// fill sets every float below v to x, and gives every list, map and pointer one
// element. It returns how many numbers there are.
func fill(v reflect.Value, x float64) int {
	n := 0
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		v.SetFloat(x)
		return 1
	case reflect.String:
		v.SetString("text")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), x)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(v.Index(0), x)
	case reflect.Map:
		key, one := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, x)
		n = fill(one, x)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, one)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				n += fill(v.Field(i), x)
			}
		}
	}
	return n
}

// count counts the numbers that are null, and the others, in JSON.
func count(x any) (null, number int) {
	switch x := x.(type) {
	case nil:
		return 1, 0
	case float64:
		return 0, 1
	case []any:
		for _, y := range x {
			a, b := count(y)
			null, number = null+a, number+b
		}
	case map[string]any:
		for _, y := range x {
			a, b := count(y)
			null, number = null+a, number+b
		}
	}
	return null, number
}

// TestNonFiniteNumbersAreNullInJSON: in every field of what is published, NaN and
// the infinities become null, and what is finite has the bytes that it always
// had.
func TestNonFiniteNumbersAreNullInJSON(t *testing.T) {
	for name, of := range map[string]func() any{"summary": func() any { return &Summary{} }, "backtest": func() any { return &Backtest{} }} {
		for _, x := range []float64{0.5, math.NaN(), math.Inf(1), math.Inf(-1)} {
			v := of()
			numbers := fill(reflect.ValueOf(v).Elem(), x)
			var b bytes.Buffer
			if err := WriteJSON(&b, " ", v); err != nil {
				t.Fatalf("%s of %v: %v", name, x, err)
			}
			if x == 0.5 {
				var usual bytes.Buffer
				e := json.NewEncoder(&usual)
				e.SetIndent("", " ")
				if err := e.Encode(v); err != nil || usual.String() != b.String() {
					t.Errorf("%s: finite numbers have other bytes: %v", name, err)
				}
				continue
			}
			var read any
			if err := json.Unmarshal(b.Bytes(), &read); err != nil {
				t.Fatalf("%s of %v: %v", name, x, err)
			}
			// The numbers of the finding are left out.
			if null, _ := count(read); null != numbers-1 || strings.Contains(b.String(), "0.5") {
				t.Errorf("%s of %v: %d nulls of %d numbers", name, x, null, numbers)
			}
		}
	}
	var b bytes.Buffer
	if err := WriteJSON(&b, "", map[string]any{"a": math.NaN(), "b": []float64{1, math.Inf(1)}, "c": "x", "d": nil, "e": returns.NewDate(2020, 1, 2)}); err != nil || b.String() != `{"a":null,"b":[1,null],"c":"x","d":null,"e":"2020-01-02"}`+"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// TestCertificateOfNothing: what could not be bounded is not certified after it
// was stored either.
func TestCertificateOfNothing(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		b, err := json.Marshal(optimize.Certificate{Primal: 1, DualBound: math.Inf(-1), Gap: x, ExactGap: x, Scale: 2})
		if err != nil {
			t.Fatal(err)
		}
		var c optimize.Certificate
		if err := json.Unmarshal(b, &c); err != nil || c.Primal != 1 || c.Scale != 2 || !math.IsInf(c.DualBound, -1) || !math.IsInf(c.Gap, 1) || !math.IsInf(c.ExactGap, 1) {
			t.Errorf("%s: %+v, %v", b, c, err)
		}
	}
}
