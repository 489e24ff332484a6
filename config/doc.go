// Package config reads the configuration: a file, the environment, --set and
// flags, in rising order of precedence, with an origin for every value.
//
// A key is declared once, on a struct field of the package that uses it (tag
// mapstructure for its name, doc for its meaning, enum for its values). The
// commented template, the environment names, the checks for unknown keys and
// `config show --origin` all follow from there.
package config
