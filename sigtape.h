#pragma once

/// All of sigtape: #include <sigtape/sigtape.h>.

#include "sigtape/framework/check.h"
#include "sigtape/framework/device.h"
#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "sigtape/framework/tensor.h"
#include "sigtape/framework/version.h"
#include "sigtape/framework/warning.h"
#include "sigtape/layers/activation.h"
#include "sigtape/layers/augment.h"
#include "sigtape/layers/dropout.h"
#include "sigtape/layers/layer_norm.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/models.h"
#include "sigtape/layers/pooling.h"
#include "sigtape/layers/sequential.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature_layer.h"
