package columnar_test

import (
	"bytes"
	"fmt"
	"os"

	"allocate/returns/columnar"
)

func ExampleWriteCSV() {
	t := &columnar.Table{Columns: []columnar.Column{
		columnar.Days("date", []int32{0, 1}),
		{Name: "trend, fast", Kind: columnar.Float64, Floats: []float64{0.1, 0}, Valid: []bool{true, false}},
	}}
	err := columnar.WriteCSV(os.Stdout, t, func(day int32) string { return fmt.Sprintf("1970-01-%02d", day+1) })
	fmt.Println(err)
	// Output:
	// date,"trend, fast"
	// 1970-01-01,0.1
	// 1970-01-02,
	// <nil>
}

func ExampleReadParquet() {
	var file bytes.Buffer
	t := &columnar.Table{Columns: []columnar.Column{columnar.Floats64("trend", []float64{0.01}), columnar.Text("note", []string{"x"})}}
	if err := columnar.WriteParquet(&file, t); err != nil {
		fmt.Println(err)
		return
	}
	only := func(name string) bool { return name == "trend" }
	got, err := columnar.ReadParquet("returns.parquet", bytes.NewReader(file.Bytes()), int64(file.Len()), only)
	fmt.Println(len(got.Columns), got.Columns[0].Floats, err)
	_, err = columnar.ReadParquet("returns.parquet", bytes.NewReader([]byte("PAR1PAR1PAR1")), 12, nil)
	fmt.Println(err)
	// Output:
	// 1 [0.01] <nil>
	// returns.parquet: a footer of 827474256 bytes in a Parquet file of 12; the file is damaged, write it again
}

func ExampleReadIPC() {
	b, err := columnar.EncodeIPC(&columnar.Table{Columns: []columnar.Column{columnar.Instants("when", "UTC", []int64{86400e9})}})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := columnar.ReadIPC("returns.feather", b)
	fmt.Println(t.Columns[0].Kind, t.Columns[0].Zone, t.Columns[0].Times, err)
	_, err = columnar.ReadIPC("returns.feather", b[:len(b)/2])
	fmt.Println(err)
	// Output:
	// timestamp UTC [86400000000000] <nil>
	// returns.feather: the Arrow file does not end in ARROW1; it is truncated, copy or write it again
}
