package command

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"
)

// compound is a command of the stories, compound weekly|monthly IN OUT: it turns
// daily returns into prices at the end of each week or month, with the row
// index that pandas writes, and a first price of 100.
func compound() {
	if err := compoundFile(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compoundFile(frequency, in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	period := func(day string) string {
		d, err := time.Parse("2006-01-02", day)
		if err != nil {
			panic(err)
		}
		if frequency == "monthly" {
			return d.Format("2006-01")
		}
		year, week := d.ISOWeek()
		return fmt.Sprint(year, week)
	}
	level := make([]float64, len(rows[0])-1)
	for j := range level {
		level[j] = 100
	}
	table := [][]string{append([]string{"Unnamed: 0"}, rows[0]...)}
	for i, row := range rows[1:] {
		for j, cell := range row[1:] {
			if cell == "" {
				continue
			}
			r, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return err
			}
			level[j] *= 1 + r
		}
		if i+2 < len(rows) && period(rows[i+2][0]) == period(row[0]) {
			continue
		}
		line := []string{strconv.Itoa(len(table) - 1), row[0]}
		for _, v := range level {
			line = append(line, strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64))
		}
		table = append(table, line)
	}
	w, err := os.Create(out)
	if err != nil {
		return err
	}
	defer w.Close()
	return csv.NewWriter(w).WriteAll(table)
}
