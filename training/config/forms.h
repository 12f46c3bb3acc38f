#pragma once

// The fields of the table whose values have alternatives (a word or a list, a
// file or a map), and the section checks.

#include "sigtape/training/config/field_builders.h"
#include "sigtape/training/config/schema.h"

namespace sigtape::config {

template <class T>
using Access = std::function<T&(void*)>;

/// Two numbers in a list, kept in two members.
Field betas(const char* key, Access<double> first, Access<double> second,
            const char* fallback, Range range, const char* help);

/// `none`, `zero`, false, true, or a list of numbers.
Field basepoint(const char* key, Access<BasepointConfig> access,
                const char* fallback, const char* help);

/// `none`, `balanced`, or a list of numbers.
Field class_weights(const char* key, Access<ClassWeightsConfig> access,
                    const char* fallback, Range range, const char* help);

/// `auto` or a number of bytes.
Field max_bytes(const char* key, Access<std::optional<std::int64_t>> access,
                const char* fallback, Range range, const char* help);

/// The name of a LayerConfig; empty stands for the default.
Field layer_name(const char* key, const char* help);

/// A list of layers; their default names are filled in.
Field layer_list(const char* key, Access<std::vector<LayerConfig>> access,
                 std::vector<const Section*> sections, const char* help);

/// The model, read by way of a ModelForm; a preset is expanded.
Field model(const char* key, Access<ModelConfig> access, const Section* section,
            const char* help);

/// Data: a file name, or a SourceForm's map.
Field data_source(const char* key, Access<DataSource> access,
                  const Section* section, const char* help);
Field data_source(const char* key, Access<std::optional<DataSource>> access,
                  const Section* section, const char* help);

/// A fraction, a file name, or a SourceForm's map.
Field validation(const char* key, Access<ValidationConfig> access, Range range,
                 const Section* section, const char* help);

void check_augment(const Check& check, const LayerConfig& layer);
void check_window(const Check& check, const LayerConfig& layer);
void check_model(const Check& check, const ModelForm& model);
void check_source(const Check& check, const SourceForm& source);
void check_sgd(const Check& check, const SgdConfig& sgd);
void check_clip(const Check& check, const ClipConfig& clip);

}  // namespace sigtape::config
