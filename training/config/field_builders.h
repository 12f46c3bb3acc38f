#pragma once

#include <type_traits>

#include "sigtape/training/config/field.h"

// What the table in schema.cpp is written with. A field reaches its value
// through an accessor: a function object that makes a reference to the value
// of a pointer to the section's object.

namespace sigtape::config {

/// Accessor of a member of the section's own object.
template <class S, class M>
auto at(M S::*member) {
  return
      [member](void* object) -> M& { return static_cast<S*>(object)->*member; };
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class Accessor>
using Target = std::remove_reference_t<std::invoke_result_t<Accessor, void*>>;

/// A field that holds one Value of the kinds in `forms`.
template <class Accessor>
Field value(const char* key, Accessor access, unsigned forms,
            const char* fallback, const char* help) {
  using T = Target<Accessor>;
  Field field;
  field.key = key;
  field.help = help;
  field.fallback = fallback;
  field.forms = forms;
  const auto read = [access](const void* object) -> const T& {
    return access(const_cast<void*>(object));
  };
  if constexpr (IsOptional<T>::value) {
    using Inner = typename T::value_type;
    field.set = [access](void* o, const Value& v) {
      access(o) = std::get<Inner>(v);
    };
    field.get = [read](const void* o) -> std::optional<Value> {
      if (!read(o)) return std::nullopt;
      return Value(*read(o));
    };
  } else {
    field.set = [access](void* o, const Value& v) {
      access(o) = std::get<T>(v);
    };
    field.get = [read](const void* o) { return Value(read(o)); };
  }
  return field;
}

template <class Accessor>
Field boolean(const char* key, Accessor access, const char* fallback,
              const char* help) {
  return value(key, access, kBoolean, fallback, help);
}

template <class Accessor>
Field integer(const char* key, Accessor access, const char* fallback,
              Range range, const char* help) {
  Field field = value(key, access, kInteger, fallback, help);
  field.range = range;
  return field;
}

template <class Accessor>
Field number(const char* key, Accessor access, const char* fallback,
             Range range, const char* help) {
  Field field = value(key, access, kNumber, fallback, help);
  field.range = range;
  return field;
}

/// A list of integers.
template <class Accessor>
Field integers(const char* key, Accessor access, const char* fallback,
               Range range, const char* help) {
  Field field = value(key, access, kIntegers, fallback, help);
  field.range = range;
  return field;
}

/// A list of numbers, or absent.
template <class Accessor>
Field numbers(const char* key, Accessor access, Range range, const char* help) {
  Field field = value(key, access, kNumbers, "", help);
  field.range = range;
  return field;
}

/// A choice kept as text, or absent.
template <class Accessor>
Field word(const char* key, Accessor access, std::vector<std::string> choices,
           const char* help) {
  Field field = value(key, access, kChoice, "", help);
  field.choices = std::move(choices);
  return field;
}

/// A choice kept as an enumeration in the order of `choices`.
template <class Accessor>
Field choice(const char* key, Accessor access, const char* fallback,
             std::vector<std::string> choices, const char* help) {
  using Enum = Target<Accessor>;
  Field field;
  field.key = key;
  field.help = help;
  field.fallback = fallback;
  field.forms = kChoice;
  field.choices = choices;
  field.set = [access, choices](void* o, const Value& v) {
    const std::string& text = std::get<std::string>(v);
    std::size_t i = 0;
    while (choices[i] != text) ++i;
    access(o) = static_cast<Enum>(i);
  };
  field.get = [access, choices](const void* o) -> std::optional<Value> {
    const auto i = static_cast<std::size_t>(access(const_cast<void*>(o)));
    return Value(choices[i]);
  };
  return field;
}

inline Field required(Field field) {
  field.required = true;
  field.always = false;
  return field;
}

/// A map of the keys of `section`, kept in a member of type S.
template <class Accessor>
Field section_of(const char* key, Accessor access, const Section* section,
                 const char* help) {
  using T = Target<Accessor>;
  Field field;
  field.key = key;
  field.help = help;
  field.nest = Nest::section;
  field.always = !IsOptional<T>::value;
  field.sections = {section};
  field.put = [access](void* o, std::size_t, const void* child) {
    if constexpr (IsOptional<T>::value)
      access(o) = *static_cast<const typename T::value_type*>(child);
    else
      access(o) = *static_cast<const T*>(child);
  };
  field.view = [access](const void* o) -> Field::Children {
    const T& held = access(const_cast<void*>(o));
    if constexpr (IsOptional<T>::value) {
      if (!held) return {};
      return {{0, std::make_shared<typename T::value_type>(*held)}};
    } else {
      return {{0, std::make_shared<T>(held)}};
    }
  };
  return field;
}

/// One of several named maps, kept in a std::variant of their objects in the
/// order of `sections`.
template <class Accessor>
Field tagged(const char* key, Accessor access, const char* noun,
             const char* fallback, std::vector<const Section*> sections,
             const char* help) {
  using Variant = Target<Accessor>;
  Field field;
  field.key = key;
  field.help = help;
  field.fallback = fallback;
  field.noun = noun;
  field.nest = Nest::tagged;
  field.sections = std::move(sections);
  field.put = [access](void* o, std::size_t index, const void* child) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((index == I
            ? void(access(o) = *static_cast<
                               const std::variant_alternative_t<I, Variant>*>(
                       child))
            : void()),
       ...);
    }
    (std::make_index_sequence<std::variant_size_v<Variant>>{});
  };
  field.view = [access](const void* o) -> Field::Children {
    const Variant& held = access(const_cast<void*>(o));
    return {{held.index(), std::visit(
                               [](const auto& alternative) -> Object {
                                 using T = std::decay_t<decltype(alternative)>;
                                 return std::make_shared<T>(alternative);
                               },
                               held)}};
  };
  return field;
}

/// A section over objects of type S.
template <class S>
Section keys(std::string tag, std::string title, std::string help,
             std::vector<Field> fields) {
  Section section;
  section.tag = std::move(tag);
  section.location = title.empty() ? " at the top level" : " in " + title;
  section.title = std::move(title);
  section.help = std::move(help);
  section.fields = std::move(fields);
  section.make = [] { return std::make_shared<S>(); };
  return section;
}

/// The section with a check of its finished objects, of type S.
template <class S, class F>
Section checked(Section section, F check) {
  section.check = [check](const Check& at, const void* object) {
    check(at, *static_cast<const S*>(object));
  };
  return section;
}

}  // namespace sigtape::config
