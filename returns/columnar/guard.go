package columnar

import "fmt"

// guard turns a panic of a decoding library into an error. The libraries
// panic on malformed bytes; a file must never end the program.
func guard(format string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("columnar: malformed %s: %v", format, r)
	}
}
