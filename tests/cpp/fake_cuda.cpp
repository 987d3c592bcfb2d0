// A CUDA driver and NVRTC made of the CPU, to test what opens and calls them: "compiling" makes a shared object out of the CUDA
// text with cuda_on_cpu.hpp in front, "launching" runs it. Environment variables make it fail:
//   FAKE_CUDA_INIT, FAKE_CUDA_CONTEXT, FAKE_CUDA_LAUNCH, FAKE_NVRTC (error codes), FAKE_CUDA_DEVICES, FAKE_CUDA_MEMORY (bytes)
// Built by test_gpu.cpp as a shared library, which knows the folder of the header as FAKE_CUDA_HEADERS.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

long setting(const char* name, long otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? std::atol(value) : otherwise;
}

std::size_t used = 0, uploaded = 0;
std::map<unsigned long long, std::size_t> blocks;
std::size_t memory() { return static_cast<std::size_t>(setting("FAKE_CUDA_MEMORY", 1L << 30)); }

struct Program {
  std::string text, log, object;
};

using Launcher = void (*)(unsigned, unsigned, unsigned, void**);

}  // namespace

extern "C" {
// For the tests: bytes copied to the GPU so far.
unsigned long long fake_cuda_uploaded() { return uploaded; }

int cuInit(unsigned) { return static_cast<int>(setting("FAKE_CUDA_INIT", 0)); }
int cuDriverGetVersion(int* version) { return *version = 13000, 0; }
int cuGetErrorName(int code, const char** name) {
  *name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 46 ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
          : code == 702 ? "CUDA_ERROR_LAUNCH_TIMEOUT" : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR";
  return 0;
}
int cuGetErrorString(int, const char** text) { return *text = "said the fake driver", 0; }
int cuDeviceGetCount(int* count) { return *count = static_cast<int>(setting("FAKE_CUDA_DEVICES", 1)), 0; }
int cuDeviceGet(int* device, int number) { return *device = number, 0; }
int cuDeviceGetName(char* name, int size, int) { return std::snprintf(name, static_cast<std::size_t>(size), "fake GPU"), 0; }
int cuDeviceGetAttribute(int* value, int which, int) { return *value = which == 75 ? 9 : 0, 0; }
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { return *bytes = memory(), 0; }
int cuDevicePrimaryCtxRetain(void** context, int) {
  return *context = &blocks, static_cast<int>(setting("FAKE_CUDA_CONTEXT", 0));
}
int cuCtxSetCurrent(void*) { return 0; }
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  *total = memory();
  *free = *total > used ? *total - used : 0;
  return 0;
}
int cuMemAlloc_v2(unsigned long long* pointer, std::size_t bytes) {
  if (used + bytes > memory()) return 2;
  *pointer = reinterpret_cast<unsigned long long>(std::malloc(bytes));
  blocks[*pointer] = bytes;
  used += bytes;
  return 0;
}
int cuMemFree_v2(unsigned long long pointer) {
  used -= blocks.at(pointer);
  blocks.erase(pointer);
  std::free(reinterpret_cast<void*>(pointer));
  return 0;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, std::size_t bytes, void*) {
  uploaded += bytes;
  return std::memcpy(reinterpret_cast<void*>(to), from, bytes), 0;
}
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, std::size_t bytes, void*) {
  return std::memcpy(to, reinterpret_cast<const void*>(from), bytes), 0;
}
int cuModuleLoadData(void** module, const void* image) {
  *module = dlopen(static_cast<const char*>(image), RTLD_NOW | RTLD_LOCAL);
  if (!*module) std::fprintf(stderr, "%s\n", dlerror());
  return *module ? 0 : 200;
}
int cuModuleUnload(void* module) { return dlclose(module); }
int cuModuleGetFunction(void** function, void* module, const char* name) {
  *function = dlsym(module, (std::string("launch_") + name).c_str());
  return *function ? 0 : 500;
}
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned, unsigned threads, unsigned, unsigned, unsigned, void*,
                   void** args, void**) {
  if (const long code = setting("FAKE_CUDA_LAUNCH", 0)) return static_cast<int>(code);
  reinterpret_cast<Launcher>(function)(x, y, threads, args);
  return 0;
}
int cuStreamCreate(void** stream, unsigned) { return *stream = nullptr, 0; }
int cuStreamSynchronize(void*) { return 0; }

int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, 0; }
int nvrtcCreateProgram(void** program, const char* text, const char*, int, const char* const*, const char* const*) {
  return *program = new Program{text, "", ""}, 0;
}
int nvrtcCompileProgram(void* program, int, const char* const*) {
  Program& p = *static_cast<Program*>(program);
  if (setting("FAKE_NVRTC", 0)) return p.log = "no, said the fake compiler", 6;
  const char* scratch = std::getenv("FAKE_CUDA_SCRATCH");
  std::string stem = std::string(scratch ? scratch : "/tmp") + "/fake-cuda-XXXXXX";
  close(mkstemp(&stem[0]));
  const std::string source = stem + ".cpp", log = stem + ".log";
  p.object = stem + ".so";
  std::ofstream out(source);
  out << "#include \"" FAKE_CUDA_HEADERS "/cuda_on_cpu.hpp\"\n" << p.text;
  const std::string word = "__global__ void ";
  for (std::size_t at = 0; (at = p.text.find(word, at)) != std::string::npos;) {
    const std::size_t open = p.text.find("rkeops_gpu_", at);
    out << "LAUNCHER(" << p.text.substr(open, p.text.find('(', open) - open) << ")\n";
    at = open;
  }
  out.close();
  const std::string command = "g++ -std=c++17 -O1 -w -ffp-contract=fast -fPIC -shared -o " + p.object + " " + source + " 2>" + log;
  const int code = std::system(command.c_str());
  std::ifstream in(log);
  p.log.assign(std::istreambuf_iterator<char>(in), {});
  if (code == 0) unlink(source.c_str());
  unlink(log.c_str());
  unlink(stem.c_str());
  return code == 0 ? 0 : 6;
}
int nvrtcGetProgramLogSize(void* program, std::size_t* size) { return *size = static_cast<Program*>(program)->log.size(), 0; }
int nvrtcGetProgramLog(void* program, char* log) {
  const Program& p = *static_cast<Program*>(program);
  return std::memcpy(log, p.log.data(), p.log.size()), 0;
}
int nvrtcGetCUBINSize(void* program, std::size_t* size) { return *size = static_cast<Program*>(program)->object.size() + 1, 0; }
int nvrtcGetCUBIN(void* program, char* out) {
  const Program& p = *static_cast<Program*>(program);
  return std::memcpy(out, p.object.c_str(), p.object.size() + 1), 0;
}
int nvrtcDestroyProgram(void** program) {
  delete static_cast<Program*>(*program);
  return 0;
}
}
